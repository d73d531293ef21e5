/** The terms of a role, one after the other: what begins and ends them waits its turn and holds nobody up. */
import type { ActorContext, Message } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import type { ElectionEvent } from "./election-state.ts";
import type { EpochMemory } from "./live-port.ts";
import { beginTerm, type StartMaster } from "./term.ts";

export interface Terms {
  /** Its failure is told as NotBegun, its parts' defeat as Deposed. */
  begin(epoch: number): void;
  end(): void;
  /** Before whatever comes after it. */
  remember(epoch: number): void;
  /** Everything asked for is done. */
  settled(): Promise<void>;
}

export function createTerms<M extends Message>(
  context: Pick<ActorContext<M>, "log" | "spawn" | "stop" | "system">,
  deps: {
    readonly startMaster: StartMaster;
    readonly epochs: EpochMemory;
    readonly happened: (event: ElectionEvent) => void;
  },
): Terms {
  const { log } = context;
  const { happened } = deps;
  let endTerm: (() => Promise<void>) | null = null;
  let work: Promise<void> = Promise.resolve();

  const inTurn = (act: () => Promise<void>): void => {
    work = work.then(act).catch((thrown: unknown) => {
      log.error("a term could not be changed", { error: ensureError(thrown) });
    });
  };
  return {
    begin(epoch) {
      inTurn(async () => {
        try {
          const onDeposed = (): void => happened({ type: "Deposed", epoch });
          endTerm = await beginTerm(context, deps.startMaster, { epoch, onDeposed });
          log.info("this server is master", { epoch });
        } catch (thrown) {
          log.error("what a master runs could not be started", { epoch, error: ensureError(thrown) });
          happened({ type: "NotBegun", epoch });
        }
      });
    },
    end() {
      inTurn(async () => {
        const end = endTerm;
        endTerm = null;
        await end?.();
      });
    },
    remember(epoch) {
      inTurn(async () => {
        try {
          await deps.epochs.remember(epoch);
        } catch (thrown) {
          log.error("the epoch could not be written to disk", { epoch, error: ensureError(thrown) });
        }
      });
    },
    settled: () => work,
  };
}
