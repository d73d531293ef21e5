/**
 * The error-file watch of a server: looks when the file system says that something has changed, and every few seconds
 * besides, for events get lost. The rules are in `follow-file.ts` and `error-message.ts`.
 */
import { type Behavior, receive, setup } from "@castellan/actor";
import { createDirectoryWatch } from "./directory-watch.ts";
import { createErrorFileRound, type ErrorFileRoundDeps } from "./error-file-round.ts";
import { watchedDirectories } from "./names.ts";

export interface ErrorFileWatchDeps extends ErrorFileRoundDeps {
  /** The next look at the latest, milliseconds. Default 5,000. */
  readonly rescanMs?: number;
}

/** Looks now. */
export type ErrorFileWatchCommand = { readonly type: "ScanErrorFiles" };
type Private =
  | { readonly type: "Changed" }
  | { readonly type: "RoundIsSlow" }
  | { readonly type: "RoundEnded"; readonly againInMs: number | null; readonly error: Error | null };

const RESCAN_MS = 5_000;
/** Events of one burst are one look, milliseconds. */
const DEBOUNCE_MS = 20;

/** A round that takes longer waits for a disk: for room in the outbox, or for a file system that does not answer. */
const SLOW_ROUND_MS = 30_000;

export function createErrorFileWatch(deps: ErrorFileWatchDeps): Behavior<ErrorFileWatchCommand> {
  return setup<ErrorFileWatchCommand | Private>((context) => {
    const round = createErrorFileRound(deps, context.clock, context.log);
    const { rescanMs = RESCAN_MS } = deps;
    let isSignalled = false;
    let isRunning = false;
    let isWanted = false;
    const directories = createDirectoryWatch({
      home: deps.identity.home,
      log: context.log,
      // One message per burst: a file that is written to all the time must not fill the mailbox.
      onChange: () => {
        if (isSignalled) return;
        isSignalled = true;
        context.self.tell({ type: "Changed" });
      },
    });

    const runOnce = async (): Promise<number | null> => {
      await directories.refresh(watchedDirectories(deps.patterns()));
      return round();
    };
    const run = (): void => {
      if (isRunning) {
        isWanted = true;
        return;
      }
      isRunning = true;
      isWanted = false;
      isSignalled = false;
      context.timers.cancel("look");
      context.timers.once("slow", SLOW_ROUND_MS, { type: "RoundIsSlow" });
      context.pipeToSelf(runOnce(), {
        ok: (againInMs) => ({ type: "RoundEnded", againInMs, error: null }),
        failed: (error) => ({ type: "RoundEnded", againInMs: null, error }),
      });
    };
    const lookIn = (delayMs: number): void => context.timers.once("look", delayMs, { type: "ScanErrorFiles" });

    run();
    return receive<ErrorFileWatchCommand | Private>(
      {
        ScanErrorFiles: run,
        Changed: () => {
          if (isRunning) isWanted = true;
          else lookIn(DEBOUNCE_MS);
        },
        RoundIsSlow: () => {
          context.log.warn("a look at the error files has not ended; nothing more is told until it does", {
            home: deps.identity.home,
            afterMs: SLOW_ROUND_MS,
          });
        },
        RoundEnded: ({ againInMs, error }) => {
          isRunning = false;
          context.timers.cancel("slow");
          if (error) {
            context.log.error("a round of the error-file watch failed; the next one follows", { error: error.message });
          }
          lookIn(isWanted ? DEBOUNCE_MS : Math.min(againInMs ?? rescanMs, rescanMs));
        },
      },
      { stopping: () => directories.close() },
    );
  });
}
