import { silentLogger } from "@castellan/kernel";
import { describe, expect, test } from "vitest";
import type { FoundProcess, ProcReader } from "../../src/process/identity.ts";
import { findUnrecorded, searchLaunched } from "../../src/process/launched-search.ts";
import type { ProcessRecord, RecordStore } from "../../src/process/record.ts";

const identityOf = (pid: number, launchId: string) => ({ pid, startTime: pid, bootId: "boot", launchId });
const found = (pid: number, launchId: string, attempt: number, isLeader = true): FoundProcess => ({
  pid,
  state: "S",
  group: isLeader ? pid : 1,
  session: isLeader ? pid : 1,
  startTime: pid,
  launchId,
  attempt,
  isLeader,
  labels: new Map([
    ["CASTELLAN_HOME", "/home"],
    ["CASTELLAN_SERVER", "hades"],
    ["CASTELLAN_TYPE", "WIS"],
    ["CASTELLAN_INSTANCE", "1"],
  ]),
});
const record = (changed: Partial<ProcessRecord>): ProcessRecord => ({
  version: 1,
  type: "WIS",
  instance: 1,
  wish: "RUNNING",
  phase: "launched",
  launchId: "a",
  identity: null,
  isReady: true,
  logOffset: 0,
  window: [],
  restarts: 0,
  comment: "",
  since: null,
  alert: null,
  definition: null,
  ...changed,
});

/** What the search makes of a record, given what lives: the record as learned (null: as it was), and whom it killed. */
function search(recorded: ProcessRecord, live: readonly FoundProcess[]) {
  const seen: { learned: ProcessRecord | null; killed: number[] } = { learned: null, killed: [] };
  const proc: ProcReader = {
    bootId: "boot",
    stat: () => null,
    startTimeOf: () => null,
    isAlive: ({ pid }) => live.some((one) => one.pid === pid),
    findLaunched: (launchId) => live.filter((one) => launchId === undefined || one.launchId === launchId),
    findLaunchedSince: () => [],
    groups: () => new Map(),
    launchIdOf: () => null,
  };
  const records: RecordStore = {
    load: async () => [],
    get: () => null,
    put: async () => undefined,
    remove: async () => undefined,
    learn: (learned) => {
      seen.learned = learned;
    },
  };
  const groups = {
    signal: () => false,
    signalStrays: () => false,
    isGone: () => true,
    kill: ({ pid }: { pid: number }) => void seen.killed.push(pid),
  };
  const identity = { node: "ips1", server: "hades", serverId: 1, incarnation: 1, home: "/home" };
  searchLaunched({ identity, records, proc, groups, log: silentLogger }, [recorded]);
  expect(findUnrecorded(recorded, proc)?.pid ?? null, "a keeper alone finds the same").toBe(
    seen.learned?.launchId === recorded.launchId ? (seen.learned.identity?.pid ?? null) : null,
  );
  return seen;
}

describe("what was launched and not recorded", () => {
  test("an intent whose process was spawned gets it, and not a daemon that it has made since", () => {
    const { learned } = search(record({ phase: "intent" }), [found(30, "a", 0), found(20, "a", 0)]);
    expect(learned).toMatchObject({ phase: "launched", isReady: false, restarts: 0, identity: identityOf(20, "a") });
  });

  test("a replacement is taken over and counted, with the time its predecessor ran", () => {
    const dead = record({ identity: identityOf(20, "a"), restarts: 1, window: [50] });
    const { learned } = search(dead, [found(70, "a", 2)]);
    expect(learned).toMatchObject({ restarts: 2, window: [550, 0], identity: identityOf(70, "a") });
  });

  test("so is one after several that nobody could write down, and of a back-off", () => {
    expect(search(record({ phase: "backing-off", restarts: 3 }), [found(70, "a", 3)]).learned?.restarts).toBe(3);
    expect(search(record({ identity: identityOf(20, "a") }), [found(70, "a", 4)]).learned).toMatchObject({
      restarts: 4,
      window: [0, 0, 0, 0],
    });
  });

  test("what a dead process that is on record left behind is never taken for the instance", () => {
    expect(search(record({ identity: identityOf(20, "a"), restarts: 1 }), [found(30, "a", 1)]).learned).toBeNull();
    const backingOff = search(record({ phase: "backing-off", restarts: 2 }), [found(30, "a", 1)]);
    expect(backingOff).toEqual({ learned: null, killed: [30] });
    const restarting = record({ launchId: "b", identity: identityOf(20, "a") });
    expect(search(restarting, [found(30, "a", 0)]).learned).toBeNull();
    expect(search(restarting, [found(30, "a", 5), found(40, "b", 0)]).learned?.identity).toEqual(identityOf(40, "b"));
  });

  test("beside the live one what another launch left is killed, what it has made itself is not", () => {
    const live = record({ identity: identityOf(40, "a"), restarts: 1 });
    const others = [
      found(30, "a", 0),
      found(40, "a", 1),
      found(50, "a", 1),
      found(60, "z", 0),
      found(61, "z", 0, false),
    ];
    expect(search(live, others)).toEqual({ learned: null, killed: [30, 60] });
  });
});
