import { createManualClock } from "@castellan/actor/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDeathWatch } from "../../src/process/death-watch.ts";
import { createProcessGroups } from "../../src/process/group.ts";
import { type ProcessStat, type ProcReader, parseStat } from "../../src/process/identity.ts";
import { policyOf } from "../../src/process/keeper-settings.ts";
import { createSpawnShare } from "../../src/process/spawn-share.ts";
import type { Strays } from "../../src/process/strays.ts";
import { createFill } from "../../src/process/template.ts";

const leader = { pid: 4_000_001, startTime: 55, bootId: "boot", launchId: "order-1" };
const member = (pid: number, launchId: string | null) => ({
  pid,
  state: "S",
  group: leader.pid,
  session: leader.pid,
  startTime: 60,
  launchId,
});

/** A process table of which the test decides what is in it. */
function fakeProc(live: { leader: boolean; members: ReturnType<typeof member>[] }): ProcReader {
  const stat = (pid: number): ProcessStat | null =>
    live.leader && pid === leader.pid
      ? { ...member(leader.pid, null), startTime: leader.startTime }
      : (live.members.find((one) => one.pid === pid) ?? null);
  return {
    bootId: "boot",
    stat,
    startTimeOf: () => (live.leader ? leader.startTime : null),
    isAlive: (identity) => live.leader && identity.startTime === leader.startTime && identity.bootId === "boot",
    findLaunched: () => [],
    findLaunchedSince: () => [],
    groups: () => new Map([[leader.pid, live.members]]),
    launchIdOf: (pid) => live.members.find((one) => one.pid === pid)?.launchId ?? null,
  };
}

const clock = createManualClock();
const noStrays: Strays = { of: () => [], seen: () => [] };

const looked = (): never => expect.unreachable("looked");

const noSuchProcess = (): never => {
  throw Object.assign(new Error("kill ESRCH"), { code: "ESRCH" });
};

describe("/proc/pid/stat", () => {
  test("a name with spaces and parentheses does not shift the fields", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), fc.nat(), fc.nat(), (name, group, startTime) => {
        const text = `42 (${name}) S 1 ${group} 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 ${startTime} 9 10\n`;
        expect(parseStat(text)).toEqual({ pid: 42, state: "S", group, session: 7, startTime });
      }),
    );
  });

  test("anything else is null", () => {
    for (const text of ["", "42", "x (y) S", "42 (a) S 1 2 3"]) expect(parseStat(text)).toBeNull();
  });
});

describe("process groups", () => {
  test("nothing is signalled whose identity does not hold", () => {
    const sent: [number, unknown][] = [];
    const groups = createProcessGroups(
      fakeProc({ leader: true, members: [] }),
      noStrays,
      clock,
      (pid, signal) => void sent.push([pid, signal]),
    );
    expect(groups.signal({ ...leader, startTime: 56 }, "SIGTERM")).toBe(false);
    expect(groups.signal({ ...leader, bootId: "other" }, "SIGTERM")).toBe(false);
    expect(sent).toEqual([]);
    expect(groups.signal(leader, "SIGTERM")).toBe(true);
    expect(sent).toEqual([[-leader.pid, "SIGTERM"]]);
  });

  test("of a dead leader's group only our own are killed; the nameless only if we saw the leader die", () => {
    const live = { leader: false, members: [member(1, "order-1"), member(2, null), member(3, "another")] };
    const killed = (isWatched: boolean): number[] => {
      const sent: number[] = [];
      const groups = createProcessGroups(
        fakeProc(live),
        noStrays,
        clock,
        (pid, signal) => void (signal === 0 || sent.push(pid)),
      );
      groups.kill(leader, isWatched, "launch");
      expect(groups.isGone(leader, isWatched, "launch")).toBe(false);
      return sent;
    };
    expect(killed(false)).toEqual([1]);
    expect(killed(true)).toEqual([1, 2]);
  });

  test("an empty group is gone without a look at the process table; one of an earlier boot always", () => {
    const proc = { ...fakeProc({ leader: false, members: [] }), groups: looked };
    const strays = { of: looked, seen: looked };
    expect(createProcessGroups(proc, strays, clock, noSuchProcess).isGone(leader, true, "group")).toBe(true);
    const earlier = { ...leader, bootId: "earlier" };
    expect(createProcessGroups(proc, strays, clock, () => undefined).isGone(earlier, true, "launch")).toBe(true);
  });

  test("what has left the group is ours for an instance that is to be down, and is signalled once it is seen", () => {
    const sent: [number, unknown][] = [];
    const left = [{ ...leader, pid: 7 }];
    const strays = { of: () => left, seen: () => left };
    const groups = createProcessGroups(fakeProc({ leader: false, members: [] }), strays, clock, (pid, signal) => {
      if (pid < 0) noSuchProcess();
      sent.push([pid, signal]);
    });
    expect(groups.isGone(leader, true, "group")).toBe(true);
    expect(groups.isGone(leader, true, "launch")).toBe(false);
    groups.kill(leader, true, "group");
    expect(sent).toEqual([]);
    expect(groups.signalStrays(leader, "SIGTERM")).toBe(true);
    groups.kill(leader, true, "launch");
    expect(sent).toEqual([
      [7, "SIGTERM"],
      [7, "SIGKILL"],
    ]);
  });

  test("while it cannot be said whether anything has left the group, it is not gone", () => {
    const strays: Strays = { of: () => null, seen: () => [] };
    const groups = createProcessGroups(fakeProc({ leader: false, members: [] }), strays, clock, noSuchProcess);
    expect(groups.isGone(leader, true, "launch")).toBe(false);
    expect(groups.signalStrays(leader, "SIGTERM")).toBe(false);
  });
});

describe("death watch", () => {
  test("tells a death once, within two looks, and then has no timer", async () => {
    const clock = createManualClock();
    const live = { leader: true, members: [] };
    const kill = (): void => (live.leader ? undefined : noSuchProcess());
    const watch = createDeathWatch(fakeProc(live), clock, kill);
    let deaths = 0;
    watch.watch(leader, () => {
      deaths += 1;
    });
    await clock.run(10_000);
    expect(deaths).toBe(0);
    live.leader = false;
    await clock.run(300);
    expect(deaths).toBe(1);
    await clock.run(10_000);
    expect(deaths).toBe(1);
    expect(clock.waiting).toBe(0);
  });

  test("a zombie and a re-used pid answer a signal and are noticed all the same", async () => {
    const clock = createManualClock();
    const live = { leader: true, members: [] };
    const watch = createDeathWatch(fakeProc(live), clock, () => undefined);
    let deaths = 0;
    watch.watch(leader, () => {
      deaths += 1;
    });
    live.leader = false;
    await clock.run(1000);
    expect(deaths).toBe(1);
  });

  test("who stops watching hears nothing and leaves no timer", async () => {
    const clock = createManualClock();
    const live = { leader: true, members: [] };
    const unwatch = createDeathWatch(fakeProc(live), clock, noSuchProcess).watch(leader, () =>
      expect.unreachable("told"),
    );
    unwatch();
    live.leader = false;
    await clock.run(1000);
    expect(clock.waiting).toBe(0);
  });
});

test("many spawns leave the event loop its turns, and one that is alone waits for none", async () => {
  let nowMs = 0;
  const mySpawn = createSpawnShare({ bootMs: () => nowMs });
  let turns = 0;
  const spawns: number[] = [];
  const count = (): void => {
    turns += 1;
    if (spawns.length < 10) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      await mySpawn(async () => {
        nowMs += 60;
        spawns.push(turns);
      });
    }),
  );
  expect(spawns.slice(0, 2)).toEqual([0, 0]);
  for (const turn of spawns) expect(spawns.filter((other) => other === turn).length).toBeLessThanOrEqual(2);
});

test("placeholders are replaced, everything else stays as it is", () => {
  const fill = createFill({ node: "ips1", server: "hades", home: "/srv/$&" }, { type: "WIS", instance: 3 });
  expect(fill("{type}-{TYPE}-{instance}@{server}.{node} {home}/x {other} {{type}} $1")).toBe(
    "wis-WIS-3@hades.ips1 /srv/$&/x {other} {wis} $1",
  );
});

const row = (process: string, instance: number, name: string, value: string) => ({
  logical_machine_id: 0,
  logical_process_name: process,
  logical_process_instance: instance,
  attribute_name: name,
  attribute_value: value,
  attribute_type: "I",
});

test("the restart policy of an instance comes from its most specific attributes, in seconds", () => {
  const attributes = [
    row("ALL", 0, "PROCESS_MAX_RESTARTS", "3"),
    row("WIS", 2, "PROCESS_MAX_RESTARTS", "0"),
    row("WIS", 0, "PROCESS_AUTO_RESTARTS", "0"),
    row("ALL", 0, "PROCESS_MIN_RESTART_PERIOD", "nonsense"),
  ];
  expect(policyOf({ attributes }, 1, { type: "BG", instance: 1 })).toEqual({
    autoRestarts: true,
    maxRestarts: 3,
    windowMs: 120_000,
  });
  expect(policyOf({ attributes }, 1, { type: "WIS", instance: 2 })).toEqual({
    autoRestarts: false,
    maxRestarts: 0,
    windowMs: 120_000,
  });
});
