/** What worker and watcher tell each other over their channel: one JSON object a line. */

export type PairMessage =
  | { readonly type: "hello"; readonly part: "worker" | "watcher"; readonly pid: number }
  /** The counter moves only when the event loop does. */
  | { readonly type: "progress"; readonly counter: number }
  /** Worker to watcher: this server's sentinel ends in order; do not bring me back, and end too. */
  | { readonly type: "stop" };

/** A line longer than this is not ours. */
export const MAX_LINE = 4096;

export function encodePairMessage(message: PairMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Null for anything that is not a message: the channel ignores it. */
export function parsePairMessage(line: string): PairMessage | null {
  if (line.length > MAX_LINE) return null;
  try {
    return messageOf(JSON.parse(line));
  } catch {
    return null; // not JSON: no more to say about it
  }
}

/** Read by hand: a schema would cost the watcher a third of its memory. */
function messageOf(value: unknown): PairMessage | null {
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  if (value.type === "stop") return { type: "stop" };
  if (value.type === "progress" && "counter" in value && isCount(value.counter)) {
    return { type: "progress", counter: value.counter };
  }
  if (value.type !== "hello" || !("part" in value && "pid" in value)) return null;
  const { part, pid } = value;
  return (part === "worker" || part === "watcher") && isCount(pid) && pid > 0 ? { type: "hello", part, pid } : null;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
