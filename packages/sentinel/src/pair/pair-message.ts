/** What worker and watcher tell each other over their channel: one JSON object a line. */
import { z } from "zod";

export const PairMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), part: z.enum(["worker", "watcher"]), pid: z.int().positive() }),
  /** The counter moves only when the event loop does. */
  z.object({ type: z.literal("progress"), counter: z.int().nonnegative() }),
  /** Worker to watcher: this server's sentinel ends in order; do not bring me back, and end too. */
  z.object({ type: z.literal("stop") }),
]);
export type PairMessage = z.infer<typeof PairMessage>;

/** A line longer than this is not ours. */
export const MAX_LINE = 4096;

export function encodePairMessage(message: PairMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Null for anything that is not a message: the channel ignores it. */
export function parsePairMessage(line: string): PairMessage | null {
  if (line.length > MAX_LINE) return null;
  try {
    const checked = PairMessage.safeParse(JSON.parse(line));
    return checked.success ? checked.data : null;
  } catch {
    return null; // not JSON: no more to say about it
  }
}
