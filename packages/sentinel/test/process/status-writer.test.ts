import { createManualClock, type ManualClock } from "@castellan/actor/testing";
import { CastellanError, createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import type { ProcessStatus } from "@castellan/protocol";
import { type Gateway, insert, newInstance, StoreUnavailable, type Write } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StatusChange } from "../../src/process/status-rows.ts";
import { createStatusWriter, type StatusWriter } from "../../src/process/status-writer.ts";

let clock: ManualClock;
let gateway: Gateway;
let commits: number[];
let refuse: (writes: readonly Write[]) => Error | null;
let superseded: number;
const writers: StatusWriter[] = [];

beforeEach(async () => {
  clock = createManualClock();
  commits = [];
  refuse = () => null;
  superseded = 0;
  gateway = createMemoryGateway();
  await gateway.commit([
    insert("sentinel", {
      logical_machine_id: 1,
      incarnation: 7,
      nonce: "n",
      started_at: clock.now(),
      last_seen_at: clock.now(),
      ended_at: null,
    }),
    ...[1, 2, 3].map((instance) => insert("process_config", newInstance({ serverId: 1, type: "WIS", instance }))),
  ]);
});

afterEach(async () => {
  for (const made of writers.splice(0)) await made.close();
});

function writer(incarnation = 7): StatusWriter {
  const rng = createSeededRng(1);
  const made = createStatusWriter({
    gateway: {
      ...gateway,
      find: (table, query) => gateway.find(table, query),
      async commit(writes) {
        commits.push(writes.length);
        const error = refuse(writes);
        if (error !== null) throw error;
        return await gateway.commit(writes);
      },
    },
    identity: { serverId: 1, incarnation },
    clock,
    rng,
    newId: createIdSource(clock, rng),
    log: silentLogger,
    onSuperseded: () => {
      superseded += 1;
    },
  });
  writers.push(made);
  return made;
}

const change = (instance: number, status: ProcessStatus, more: Partial<StatusChange> = {}): StatusChange => ({
  key: { type: "WIS", instance },
  status,
  held: false,
  comment: "",
  since: clock.now(),
  restarts: 0,
  pid: null,
  event: null,
  ...more,
});

async function statuses(): Promise<string[]> {
  const rows = await gateway.find("process_config", { orderBy: [{ column: "logical_process_instance" }] });
  return rows.map((row) => row.last_known_status);
}

describe("status writer", () => {
  test("what happens together is written together, and only the latest status of an instance", async () => {
    const status = writer();
    status.record(change(1, "STARTING"));
    status.record(change(2, "STARTING", { pid: 22 }));
    status.record(change(1, "RUNNING", { pid: 11, event: { code: 3000, pid: 11, comment: "" } }));
    await clock.settle();
    expect(commits).toHaveLength(1);
    expect(await statuses()).toEqual(["RUNNING", "STARTING", "STOPPED"]);
    expect(await gateway.find("running_processes")).toHaveLength(2);
    expect(await gateway.find("process_event_log")).toMatchObject([{ process_status: 3000, process_id: 11 }]);
  });

  test("while the store is away it keeps the latest, tries again, and writes it when it is back", async () => {
    const status = writer();
    refuse = () => new StoreUnavailable("away");
    status.record(change(1, "STARTING"));
    await clock.run(20_000);
    expect(commits.length).toBeGreaterThan(5);
    expect(commits.length).toBeLessThan(20);
    status.record(change(1, "RUNNING"));
    refuse = () => null;
    await clock.run(6000);
    expect(await statuses()).toEqual(["RUNNING", "STOPPED", "STOPPED"]);
  });

  test("no commit is larger than four hundred writes", async () => {
    const status = writer();
    for (let instance = 1; instance <= 300; instance += 1) {
      status.record(change(instance, "RUNNING", { pid: instance, event: { code: 3000, pid: instance, comment: "" } }));
    }
    await clock.settle();
    expect(Math.max(...commits)).toBeLessThanOrEqual(400);
    expect(await gateway.find("process_event_log")).toHaveLength(300);
  });

  test("events beyond the bound are dropped, the oldest first, and counted", async () => {
    const status = writer();
    refuse = () => new StoreUnavailable("away");
    for (let pid = 1; pid <= 10_005; pid += 1)
      status.record(change(1, "RUNNING", { event: { code: 3003, pid, comment: "" } }));
    await clock.settle();
    refuse = () => null;
    await clock.run(60_000);
    expect(status.dropped).toBe(5);
    const [first] = await gateway.find("process_event_log", { orderBy: [{ column: "process_id" }], limit: 1 });
    expect(first?.process_id).toBe(6);
  });

  test("flush waits for what was recorded before it, not for what comes after", async () => {
    const status = writer();
    status.record(change(1, "RUNNING"));
    const flushed = status.flush(1000);
    const more = setInterval(() => status.record(change(2, "STARTING")), 0);
    await expect(flushed).resolves.toBe(true);
    clearInterval(more);
    expect((await statuses())[0]).toBe("RUNNING");
    await clock.settle();
  });

  test("a newer incarnation ends the writing, once and for good", async () => {
    const status = writer(6);
    status.record(change(1, "RUNNING"));
    await clock.settle();
    status.record(change(2, "RUNNING"));
    await clock.run(10_000);
    expect(superseded).toBe(1);
    expect(commits).toHaveLength(1);
    expect(await statuses()).toEqual(["STOPPED", "STOPPED", "STOPPED"]);
    expect(await status.flush(1000)).toBe(false);
  });

  test("a row deleted meanwhile is skipped, and one change that is never taken does not hold up the others", async () => {
    const status = writer();
    refuse = (writes) =>
      writes.some((write) => write.kind === "update" && write.set.status_comment === "poison")
        ? new CastellanError("STORE_INVALID", "never")
        : null;
    status.record(change(99, "RUNNING"));
    status.record(change(1, "RUNNING", { comment: "poison" }));
    status.record(change(2, "RUNNING"));
    await clock.run(10_000);
    expect(await statuses()).toEqual(["STOPPED", "RUNNING", "STOPPED"]);
    expect(status.dropped).toBe(1);
  });

  test("comments fit the column, on one line", async () => {
    const status = writer();
    status.record(change(1, "RUNNING", { comment: `a\n${"é😀".repeat(400)}` }));
    await clock.settle();
    const [row] = await gateway.find("process_config", { where: { logical_process_instance: 1 } });
    expect(row?.status_comment?.length).toBeLessThanOrEqual(255);
    expect(row?.status_comment).toMatch(/^a é/);
    expect(row?.status_comment).toBe(Buffer.from(row?.status_comment ?? "").toString()); // no half character
  });
});
