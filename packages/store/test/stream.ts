/** What a fault of the database is measured with: a row that counts the commits of one writer, and a look at the event loop. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { CastellanError } from "@castellan/kernel";
import { type Gateway, insert, StoreAmbiguous, StoreUnavailable, update, type Write } from "@castellan/store";
import { eventually } from "@castellan/testkit";
import { NOON } from "../src/testing/rows.ts";

/** A row that counts: `incarnation` is the number of commits that have happened. */
export const counterRow = (id: number): Write =>
  insert("sentinel", {
    logical_machine_id: id,
    incarnation: 0,
    nonce: "n",
    started_at: NOON,
    last_seen_at: NOON,
    ended_at: null,
  });

export async function countOf(gateway: Gateway, id: number): Promise<number> {
  const [row] = await gateway.find("sentinel", { where: { logical_machine_id: id } });
  if (row === undefined) throw new Error(`no row ${id}`);
  return row.incarnation;
}

/** From `count` to the next: refused when it is not the count any more. */
export const countUp = (id: number, count: number): Write =>
  update("sentinel", { logical_machine_id: id, incarnation: count }, { incarnation: count + 1 });

/** `done`, or the code of the named error; whatever has no name fails the test. */
export async function outcomeOf(work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await work;
    return { code: "done", message: "" };
  } catch (thrown) {
    if (!(thrown instanceof CastellanError)) throw thrown;
    return thrown;
  }
}

export interface Stream {
  /** Commits that were acknowledged, or found when asked for after a lost answer. */
  readonly count: number;
  /** How often the answer was lost, and how often nothing was written. */
  readonly inDoubt: number;
  readonly refused: number;
  /** Ends it; throws what should not have happened: a count that is not what it must be. */
  stop(): Promise<void>;
}

/** Counts up without end, as a careful writer does: guarded, and after a lost answer it looks. */
export function streamOf(gateway: Gateway, id: number): Stream {
  const seen = { count: 0, inDoubt: 0, refused: 0 };
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await gateway.commit([countUp(id, seen.count)]);
        seen.count += 1;
      } catch (thrown) {
        if (thrown instanceof StoreUnavailable) seen.refused += 1;
        else if (thrown instanceof StoreAmbiguous) {
          seen.inDoubt += 1;
          const found = await eventually(async () => [await countOf(gateway, id)], {
            describe: "the schema can be read",
          });
          seen.count = found[0] ?? -1;
        } else throw thrown;
      }
    }
  };
  const running = run();
  // Whoever stops it hears of it.
  running.catch(() => undefined);
  return {
    get count() {
      return seen.count;
    },
    get inDoubt() {
      return seen.inDoubt;
    },
    get refused() {
      return seen.refused;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const TICK_MS = 20;

/** Ticks in a thread of its own, which nothing in this one holds up, only what holds up the whole machine. */
const witnessed = new Int32Array(new SharedArrayBuffer(4));
const witness = new Worker(
  `const { parentPort, workerData } = require("node:worker_threads");
   setInterval(() => Atomics.add(workerData, 0, 1), ${TICK_MS});
   parentPort.postMessage("ticking");`,
  { eval: true, workerData: witnessed },
);
await once(witness, "message");
witness.unref();

/**
 * Whether the event loop was free while `work` went on: a timer of 20 ms must have fired at least once for every ten times
 * it did in another thread. A busy wait, a synchronous retry or a lock held inside the driver leaves it far below.
 */
export async function withFreeLoop<R>(work: () => Promise<R>): Promise<R> {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, TICK_MS);
  const before = Atomics.load(witnessed, 0);
  const result = await work().finally(() => clearInterval(timer));
  const due = Math.floor((Atomics.load(witnessed, 0) - before) / 10);
  if (ticks < due) throw new Error(`the event loop was held up: ${ticks} ticks, at least ${due} were due`);
  return result;
}
