/**
 * A SQLite file in a thread of its own, for programs that must go on while it waits (ADR 26): the driver is synchronous, and a
 * disk can take any time for a sync.
 *
 * A1 One request is with the thread at a time, the others wait here in order. So one that was not sent has certainly written
 *    nothing, and what is read after a commit that was given up comes after it: that commit has happened by then, or never will.
 * A2 Every request ends within two bounds, one for its turn and one for its answer. The thread cannot be stopped while it is in
 *    the driver; until it is back nothing else is sent, and whoever asks is told that the disk does not answer.
 * A3 A thread that dies takes its handle with it; the next request starts another.
 */
import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "@castellan/kernel";
import { StoreAmbiguous, StoreUnavailable } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { type ThreadAnswer, type ThreadRequest, thrownBy } from "./sqlite-message.ts";

export interface ApartOptions {
  /** For the turn of a request, and again for its answer, milliseconds. */
  readonly answerMs: number;
  /** For the thread to begin and to open the file, milliseconds. */
  readonly openMs: number;
  /** Of the thread, megabytes. Rows are read in pages: who needs more has asked for far too much. */
  readonly heapMb: number;
  /** `sqlite-thread.ts`, compiled. */
  readonly program: URL;
}

const USUAL: ApartOptions = {
  answerMs: 3000,
  openMs: 30_000,
  heapMb: 256,
  // Beside this file, compiled and in the bundle alike.
  program: new URL("./sqlite-thread.js", import.meta.url),
};
/** Of short-lived objects, megabytes: a small one is collected more often, and takes less of the host. */
const YOUNG_MB = 4;

interface Asked {
  readonly request: ThreadRequest;
  /** An answer, or what became of it. Only the first word counts. */
  readonly settle: (outcome: ThreadAnswer | Error) => void;
  readonly until: (withinMs: number, late: () => void) => void;
}

/** Rejects with the driver's error when the file cannot be opened. */
export async function openSqliteApart(path: string, clock: Clock, options = USUAL): Promise<Connection> {
  const { answerMs } = options;
  const waiting: Asked[] = [];
  let thread: Worker | null = null;
  let current: Asked | null = null;

  const begin = (): Worker => {
    const resourceLimits = { maxOldGenerationSizeMb: options.heapMb, maxYoungGenerationSizeMb: YOUNG_MB };
    const begun = new Worker(options.program, { workerData: path, execArgv: [], resourceLimits });
    begun.on("message", (answer: ThreadAnswer) => ended(answer));
    begun.on("error", (error) => lost(begun, error.message));
    begun.on("exit", () => lost(begun, "it ended"));
    return begun;
  };

  const lost = (which: Worker, reason: string): void => {
    if (thread !== which) return;
    thread = null;
    const was = current?.request;
    if (was !== undefined)
      ended(was.what === "close" ? { kind: "done" } : gone(was, `the thread of ${path} died`, reason));
  };

  const ended = (outcome: ThreadAnswer | Error): void => {
    const answered = current;
    current = null;
    if (waiting.length === 0) thread?.unref();
    answered?.settle(outcome);
    next();
  };

  const next = (): void => {
    if (current !== null) return;
    const asked = waiting.shift();
    if (asked === undefined) return;
    current = asked;
    thread ??= begin();
    thread.ref();
    thread.postMessage(asked.request, []);
    asked.until(asked.request.what === "open" ? options.openMs : answerMs, () => {
      asked.settle(gone(asked.request, `the disk of ${path}`, `no answer within ${answerMs} ms: check it`));
    });
  };

  const ask = (request: ThreadRequest): Promise<ThreadAnswer> =>
    new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      let settled = false;
      const asked: Asked = {
        request,
        settle(outcome) {
          if (settled) return;
          settled = true;
          timer?.cancel();
          if (outcome instanceof Error) reject(outcome);
          else if (outcome.kind === "fault") reject(thrownBy(outcome.fault));
          else resolve(outcome);
        },
        until(withinMs, late) {
          timer?.cancel();
          // What has come while this program itself stood still counts: it is heard first.
          timer = clock.after(withinMs, () => setImmediate(late));
        },
      };
      asked.until(answerMs, () => {
        const at = waiting.indexOf(asked);
        if (at === -1) return;
        waiting.splice(at, 1);
        asked.settle(
          new StoreUnavailable(
            `the disk of ${path} has not answered for ${answerMs} ms: check it; nothing was written`,
          ),
        );
      });
      waiting.push(asked);
      next();
    });

  const connection: Connection = {
    async read(statement) {
      const answer = await ask({ what: "read", statement });
      return answer.kind === "rows" ? answer.rows : [];
    },
    async commit(statements) {
      const answer = await ask({ what: "commit", statements });
      return answer.kind === "touched" ? answer.touched : [];
    },
    async close() {
      if (thread === null) return;
      // One that is in the driver still is left to itself: it holds up nobody's end.
      await ask({ what: "close" }).catch(() => undefined);
      thread?.unref();
    },
  };
  try {
    await ask({ what: "open" });
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
  return connection;
}

/** What is known of a request that was sent and got no answer. */
function gone({ what }: ThreadRequest, whose: string, reason: string): Error {
  const message = `${whose}: ${reason}`;
  return what === "commit"
    ? new StoreAmbiguous(`${message}; the commit may have happened`)
    : new StoreUnavailable(message);
}
