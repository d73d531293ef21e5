/** Asks for the master again and again, one question at a time. */
import type { Rng } from "@castellan/kernel";
import type { ElectionEvent } from "./election-state.ts";
import type { LivePort } from "./live-port.ts";

export interface Asker {
  /** Told as Answered, unless the bus is away or a question is on its way already. */
  ask(epoch: number): Promise<void>;
  /** When to ask next, milliseconds; `soon`: there was a hint. */
  delayMs(soon: boolean): number;
}

/** Until a master says how often, and after a hint, milliseconds. */
const ASK_MS = 100;
const ASK_AGAIN_MS = 50;
/** So much of the time between two questions is random. */
const JITTER = 0.2;

export function createAsker(deps: {
  readonly live: LivePort;
  readonly rng: Pick<Rng, "next">;
  readonly happened: (event: ElectionEvent) => void;
}): Asker {
  const { live, rng, happened } = deps;
  let askMs = ASK_MS;
  let isAsking = false;
  return {
    async ask(epoch) {
      if (isAsking) return;
      isAsking = true;
      try {
        const said = await live.ask(epoch);
        if (said === null) return;
        if (said.askMs !== null) askMs = said.askMs;
        happened({ type: "Answered", live: said.live });
      } finally {
        isAsking = false;
      }
    },
    delayMs: (soon) => (soon ? Math.min(ASK_AGAIN_MS, askMs) : askMs) * (1 - JITTER + 2 * JITTER * rng.next()),
  };
}
