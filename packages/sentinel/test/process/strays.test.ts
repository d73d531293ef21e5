import { createManualClock } from "@castellan/actor/testing";
import { expect, test } from "vitest";
import type { FoundProcess, ProcReader } from "../../src/process/identity.ts";
import { createStrays } from "../../src/process/strays.ts";

const leaderOf = (launchId: string) => ({ pid: 10, startTime: 1, bootId: "boot", launchId });
const found = (pid: number, launchId: string, group = pid): FoundProcess => ({
  pid,
  state: "S",
  group,
  session: group,
  startTime: pid,
  launchId,
  attempt: 0,
  isLeader: group === pid,
  labels: new Map(),
});

/** A process table of which the test decides what is in it, and that counts the looks at all of it. */
function world() {
  const table = { looks: 0, known: 0, live: [] as FoundProcess[] };
  const proc: ProcReader = {
    bootId: "boot",
    stat: (pid) => table.live.find((one) => one.pid === pid) ?? null,
    startTimeOf: () => null,
    isAlive: () => false,
    findLaunched: () => [],
    findLaunchedSince: (known) => {
      table.looks += 1;
      table.known = known.size;
      for (const one of table.live) if (!known.has(one.pid)) known.set(one.pid, one);
      return [...known.values()].filter((one) => one !== null);
    },
    groups: () => new Map(),
    launchIdOf: () => null,
  };
  const clock = createManualClock();
  return { table, clock, strays: createStrays(proc, clock) };
}

test("those of this launch that are in another group, and live", () => {
  const { table, strays } = world();
  table.live = [found(10, "a"), found(11, "a", 10), found(12, "a"), found(13, "a", 12), found(14, "b")];
  expect(strays.of(leaderOf("a"))?.map(({ pid }) => pid)).toEqual([12, 13]);
  table.live = [found(13, "a", 12)];
  expect(strays.seen(leaderOf("a")).map(({ pid }) => pid)).toEqual([13]);
});

test("many questions share a look, and none is answered by a look from before it was asked", async () => {
  const { table, clock, strays } = world();
  expect(strays.of(leaderOf("a"))).toEqual([]);
  table.live = [found(12, "b")];
  for (const launchId of ["b", "c", "d"]) expect(strays.of(leaderOf(launchId))).toBeNull();
  await clock.run(10);
  expect(strays.of(leaderOf("b"))?.map(({ pid }) => pid)).toEqual([12]);
  for (const launchId of ["c", "d"]) expect(strays.of(leaderOf(launchId))).toEqual([]);
  expect(table.looks).toBe(2);
  expect(strays.of(leaderOf("b"))).toBeNull();
});

test("what has left the group since it was first seen there is found", async () => {
  const { table, clock, strays } = world();
  table.live = [found(12, "a", 10)];
  expect(strays.of(leaderOf("a"))).toEqual([]);
  table.live = [found(12, "a")];
  await clock.run(10);
  expect(strays.of(leaderOf("a"))?.map(({ pid }) => pid)).toEqual([12]);
});

test("looks that follow each other know what the last one read; after a while a pid may be another's", async () => {
  const { table, clock, strays } = world();
  table.live = [found(12, "a")];
  strays.of(leaderOf("a"));
  await clock.run(900);
  strays.of(leaderOf("a"));
  expect(table.known).toBe(1);
  await clock.run(1100);
  strays.of(leaderOf("a"));
  expect(table.known).toBe(0);
});
