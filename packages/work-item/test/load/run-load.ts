/** Many users at one inbox: the desk in this thread, each user in a worker thread with an own connection to the bus. */
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { createSubjects, Desk } from "@castellan/protocol";
import { type Gateway, insert, type Row, writeQueue } from "@castellan/store";
import { build } from "esbuild";
import { z } from "zod";
import { createDesk, type EventBus } from "../../src/index.ts";
import { aQueue, bootstrap, opened } from "../fixtures.ts";
import { connectHost } from "./host.ts";
import { complaintsAbout, type Recorded } from "./ledger.ts";
import { LedgerLine, type UserTask } from "./user-task.ts";

export interface LoadOptions {
  readonly gateway: Gateway;
  readonly natsUrl: string;
  readonly users: number;
  readonly items: number;
  /** Each user ends after so much time, or so many things done. */
  readonly forMs: number;
  readonly most?: number;
  readonly seed: number;
  /** Where events go. */
  readonly bus: EventBus;
}

export interface LoadResult {
  readonly ledger: readonly LedgerLine[];
  /** For how long they worked, milliseconds. */
  readonly workedMs: number;
  /** What is wrong; empty = nothing lost, nothing doubled. */
  readonly complaints: readonly string[];
}

const SEED_AT_ONCE = 200;

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { bus, forMs, gateway, items, most = Number.MAX_SAFE_INTEGER, natsUrl, seed, users } = options;
  await fillInbox(gateway, items);
  const host = await connectHost("master", natsUrl);
  const closing: (() => Promise<unknown>)[] = [() => host.close()];
  const desk = host.system.spawn(
    createDesk({
      epoch: 1,
      identity: { node: "load", server: "master" },
      gateway,
      subjects: createSubjects("load"),
      bus,
      outboxOf: () => {
        throw new Error("there are no outboxes here");
      },
      onDeposed: () => undefined,
    }),
    "desk",
  );
  host.system.expose(Desk, "-", desk);
  await host.link.connection.flush();
  try {
    const program = await bundleUser();
    const everybody = Array.from({ length: users }, (_, at) =>
      startUser(program, { url: natsUrl, user: `user-${at}`, seed: seed + at, cases: items, forMs, most }),
    );
    closing.push(...everybody.map((user) => () => user.end()));
    await Promise.all(everybody.map(({ ready }) => ready));
    for (const user of everybody) user.go();
    const ledgers = await Promise.all(everybody.map(({ ledger }) => ledger));
    const recorded = await readAll(gateway, items);
    const ledger = ledgers.flat();
    return {
      ledger,
      workedMs: Math.max(...ledgers.map((of) => (of.at(-1)?.atMs ?? 0) - (of[0]?.atMs ?? 0))),
      complaints: complaintsAbout(ledger, recorded),
    };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** In parts: a database answers within its deadline, or not at all. */
async function readAll(gateway: Gateway, items: number): Promise<Recorded> {
  const rows: Row<"work_item">[] = [];
  const lines: Row<"work_item_event">[] = [];
  for (let from = 1; from <= items; from += SEED_AT_ONCE) {
    const cases = Array.from({ length: SEED_AT_ONCE }, (_, at) => from + at);
    const where = { case_number: { in: cases } };
    rows.push(...(await gateway.find("work_item", { where })));
    lines.push(...(await gateway.find("work_item_event", { where })));
  }
  let audits = 0;
  for (let last = "-"; ; ) {
    const part = await gateway.find("audit_log", { where: { id: { above: last } }, limit: 1000 });
    audits += part.length;
    const end = part.at(-1);
    if (end === undefined) return { items: rows, lines, audits };
    last = end.id;
  }
}

async function fillInbox(gateway: Gateway, items: number): Promise<void> {
  await bootstrap(gateway);
  const storage = { queue_name: "storage", definition: writeQueue(aQueue()), row_version: 1 };
  await gateway.commit([insert("work_queue", storage)]);
  for (let from = 1; from <= items; from += SEED_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(SEED_AT_ONCE, items - from + 1) }, (_, at) => from + at);
    await gateway.commit(
      numbers.flatMap((case_number) => {
        const cause = `cause-${case_number}`;
        const line = { case_number, seq: 1, what: "created", by_user: "$SYSTEM", station: null, note: null };
        return [
          insert("work_item", opened({ case_number, cause, open_cause: cause, due_at: null, deadline: null })),
          insert("work_item_event", {
            ...line,
            alert_id: null,
            request_id: null,
            happened_at: new Date(0),
            published: true,
          }),
        ];
      }),
    );
  }
}

const Ledger = z.array(LedgerLine);

/** The program of a user as one file: threads that compile TypeScript, each for itself, would take longer than the load. */
async function bundleUser(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("./inbox-user.ts", import.meta.url))],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    conditions: ["@castellan/source"],
    logLevel: "error",
  });
  return outputFiles.map(({ text }) => text).join("");
}

interface User {
  readonly ready: Promise<void>;
  readonly ledger: Promise<LedgerLine[]>;
  go(): void;
  end(): Promise<unknown>;
}

function startUser(program: string, task: UserTask): User {
  const worker = new Worker(program, { eval: true, workerData: task, execArgv: [] });
  const ready = deferred<void>();
  const ledger = deferred<LedgerLine[]>();
  worker.on("message", (message) => {
    if (message === "ready") ready.resolve();
    else ledger.resolve(Ledger.parse(message));
  });
  const lost = (why: Error): void => {
    ready.reject(why);
    ledger.reject(why); // without effect on whoever has said everything
  };
  worker.once("error", lost);
  worker.once("exit", (code) => lost(new Error(`${task.user} ended with ${code} and said nothing`)));
  return {
    ready: ready.promise,
    ledger: ledger.promise,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    go: () => worker.postMessage("go"),
    end: () => worker.terminate(),
  };
}

const nothing = (): void => undefined;

function deferred<T>() {
  let resolve: (value: T) => void = nothing;
  let reject: (error: Error) => void = nothing;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined); // it is heard by whoever waits for it
  return { promise, resolve, reject };
}

/** Its events are only counted. */
export const countingBus = (): EventBus & { readonly count: () => number } => {
  let count = 0;
  return {
    async publish() {
      count += 1;
    },
    count: () => count,
  };
};
