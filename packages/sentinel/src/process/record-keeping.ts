/** How a keeper's record gets to the disk: intents before their launch, everything else soon, all again when refused. */
import type { ActorContext } from "@castellan/actor";
import { ensureError, sleep } from "@castellan/kernel";
import type { KeeperCommand } from "./keeper-messages.ts";
import { isDownWish } from "./keeper-state.ts";
import type { ProcessRecord, RecordStore } from "./record.ts";

/** A launch waits this long for its intent to be on disk; other changes this long for theirs. */
const INTENT_MS = 5000;
const SAVE_WAIT_MS = 500;
/** Such a wait is made of this many. */
const WAITS = 10;
const SAVE_AGAIN_MS = 5000;

export interface RecordKeeping {
  /** Writes what is known now; tries again later when the disk refuses. With `wait` it resolves when written, or late. */
  save(wait: boolean): Promise<null> | null;
  /** Null when the intent to launch under this id is on disk; else why it is not (yet). */
  intend(launchId: string): Promise<string | null>;
  forget(): Promise<void>;
}

/** `now` gives the record as it is at the time of writing. */
export function createRecordKeeping(
  records: RecordStore,
  { clock, log, timers }: Pick<ActorContext<KeeperCommand>, "clock" | "log" | "timers">,
  now: () => ProcessRecord,
): RecordKeeping {
  /** The launch id whose intent is on disk. */
  let intended: string | null = null;

  const write = async (): Promise<void> => {
    const written = now();
    await records.put(written);
    intended = written.phase === "stopped" || isDownWish(written.wish) ? null : written.launchId;
  };
  /**
   * The disk's answer is heard in our event loop: while that is held up (a hundred launches at once, a busy host) the time
   * passes and nothing is heard. So a wait is many short ones, with a turn of the loop after each.
   */
  const waited = async (ms: number, signal: AbortSignal): Promise<void> => {
    for (let left = WAITS; left > 0 && !signal.aborted; left -= 1) await sleep(clock, ms / WAITS, signal);
  };
  /** Resolves when it is on disk, or with the reason why it is not (yet). */
  const writeWithin = async (deadlineMs: number): Promise<string | null> => {
    const enough = new AbortController();
    const late = waited(deadlineMs, enough.signal).then(() => "the disk does not answer");
    const written = write().then(
      () => null,
      (thrown: unknown) => ensureError(thrown).message,
    );
    const why = await Promise.race([written, late]);
    enough.abort();
    return why;
  };
  const save = async (deadlineMs: number): Promise<null> => {
    const why = await writeWithin(deadlineMs);
    if (why !== null) {
      log.warn("the record of a process cannot be written; trying again", { error: why, againInMs: SAVE_AGAIN_MS });
      timers.once("save", SAVE_AGAIN_MS, { type: "SaveAgain" });
    }
    return null;
  };

  return {
    save(wait) {
      const saving = save(wait ? SAVE_WAIT_MS : INTENT_MS);
      return wait ? saving : null;
    },
    intend: async (launchId) => (intended === launchId ? null : await writeWithin(INTENT_MS)),
    async forget() {
      await records.remove(now()).catch((thrown: unknown) => {
        log.warn("the record of a removed process cannot be deleted", { error: ensureError(thrown).message });
      });
    },
  };
}
