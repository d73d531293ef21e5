/** One attempt to take mastership, told of as Taken, Lost or NotTaken. */
import { CastellanError, type Clock, ensureError, type IdSource, type Logger } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import type { Effect, ElectionEvent } from "./election-state.ts";
import { takeOver } from "./mastership.ts";

export interface Attempts {
  take(effect: Extract<Effect, { readonly do: "take" }>, highest: number): Promise<void>;
  /** Why the last one failed; null = it did not, or another was faster. */
  readonly failure: unknown;
}

/** An order wins, also over those who take it at the same moment. */
const PLANNED_ATTEMPTS = 3;

export function createAttempts(deps: {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly log: Logger;
  readonly happened: (event: ElectionEvent) => void;
  /** The epoch was written, begun then. */
  readonly confirmed: (sentMs: number) => void;
}): Attempts {
  const { gateway, serverId, clock, newId, log, happened } = deps;
  let failure: unknown = null;
  return {
    get failure() {
      return failure;
    },
    async take({ handover, returns, ifEpoch }, highest) {
      failure = null;
      try {
        for (let attempt = 1; ; attempt += 1) {
          const sentMs = clock.bootMs();
          const wanted = { serverId, nonce: newId(), now: clock.now(), handover, returns, ifEpoch, highest };
          const { kind, epoch } = await takeOver(gateway, wanted);
          if (kind === "master") {
            deps.confirmed(sentMs);
            happened({ type: "Taken", epoch });
            return;
          }
          if (handover === "planned" && attempt < PLANNED_ATTEMPTS) continue;
          happened({ type: "Lost", epoch });
          return;
        }
      } catch (thrown) {
        // The database is away, the server is no member: none of it is better for a crash.
        failure = thrown;
        const retryable = thrown instanceof CastellanError && thrown.retryable;
        log[retryable ? "warn" : "error"]("mastership could not be taken", { error: ensureError(thrown) });
        happened({ type: "NotTaken" });
      }
    },
  };
}
