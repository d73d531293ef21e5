/**
 * A SQLite file in a thread of its own, for programs that must go on while it waits (ADR 26): the driver is synchronous, and a
 * disk can take any time for a sync.
 *
 * A1 One request is with the thread at a time, the others wait here in order. So one that was not sent has certainly written
 *    nothing, and what is read after a commit that was given up comes after it: that commit has happened by then, or never will.
 * A2 Every request ends within two bounds, one for its turn and one for its answer. The thread cannot be stopped while it is in
 *    the driver; until it is back nothing else is sent, and whoever asks is told that the disk does not answer.
 * A3 A thread that dies takes its handle with it; the next request starts another, which finds the file or says that it is gone.
 * A4 One that is in the driver cannot be ended from here, and neither can this program: its end waits for its threads. So at most one
 *    is left to itself: until that is back, which then closes its file, the file is not opened again.
 */
import { Worker } from "node:worker_threads";
import { type Clock, ensureError, type Timer } from "@castellan/kernel";
import { StoreAmbiguous, StoreUnavailable } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { encodeThreadStart, type ThreadAnswer, type ThreadRequest, thrownBy } from "./sqlite-message.ts";

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
const CLOSE: ThreadRequest = { what: "close" };

/** The files of the threads that are left to themselves (A4): they are this program's, whoever began them. */
const stuck = new Set<string>();

interface Asked {
  readonly request: ThreadRequest;
  /** An answer, or what became of it. Only the first word counts. */
  readonly settle: (outcome: ThreadAnswer | Error) => void;
  readonly until: (withinMs: number, late: () => void) => void;
}

/** Rejects with the driver's error when the file cannot be opened, and with `StoreUnavailable` while its disk does not answer. */
export async function openSqliteApart(path: string, clock: Clock, options = USUAL): Promise<Connection> {
  if (stuck.has(path)) {
    throw new StoreUnavailable(
      `the disk of ${path} has not answered since the file was opened last: check it; it is opened again when it does`,
    );
  }
  const { answerMs } = options;
  const waiting: Asked[] = [];
  let thread: Worker | null = null;
  let current: Asked | null = null;
  let wasThere = false;

  const begin = (): Worker => {
    const resourceLimits = { maxOldGenerationSizeMb: options.heapMb, maxYoungGenerationSizeMb: YOUNG_MB };
    const workerData = encodeThreadStart({ path, mustExist: wasThere });
    const begun = new Worker(options.program, { workerData, execArgv: [], resourceLimits });
    begun.on("message", (answer: ThreadAnswer) => ended(answer));
    begun.on("messageerror", (error) => {
      lost(begun, `its answer cannot be read: ${error.message}`);
      begun.postMessage(CLOSE, []);
    });
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
    for (let asked = waiting.shift(); asked !== undefined; asked = waiting.shift()) if (isSent(asked)) return;
  };

  const isSent = (asked: Asked): boolean => {
    const { request } = asked;
    const withinMs = request.what === "open" ? options.openMs : answerMs;
    try {
      thread ??= begin();
      thread.postMessage(request, []);
    } catch (thrown) {
      // Nothing has gone to the thread: whoever comes next is not kept waiting for it.
      const cause = ensureError(thrown);
      asked.settle(new StoreUnavailable(`the thread of ${path} cannot be told: ${cause.message}`, { cause }));
      return false;
    }
    thread.ref();
    current = asked;
    asked.until(withinMs, () => {
      asked.settle(gone(request, `the disk of ${path}`, `no answer within ${withinMs} ms: check it`));
    });
    return true;
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

  /** It is in the driver: it closes the file when it is back. */
  const leave = (left: Worker): void => {
    stuck.add(path);
    left.once("exit", () => stuck.delete(path));
    left.postMessage(CLOSE, []);
  };

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
      const left = thread;
      if (left === null) return;
      try {
        await ask(CLOSE);
      } catch {
        if (thread === left) leave(left);
      }
      left.unref();
    },
  };
  try {
    await ask({ what: "open" });
    wasThere = true;
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
