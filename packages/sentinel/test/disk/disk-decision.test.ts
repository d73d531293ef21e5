import { Alert } from "@castellan/protocol";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type DiskFindings, decideDisk, type PathFinding } from "../../src/disk/disk-decision.ts";
import { DiskState, emptyDiskState } from "../../src/disk/disk-state.ts";

const now = new Date("2026-01-02T03:04:05.000Z");
const GIB = 1024 ** 3;

function finding(path: string, freeGib: number | null, more: Partial<PathFinding> = {}): PathFinding {
  return {
    path,
    space:
      freeGib === null
        ? { readable: false, reason: "it does not exist" }
        : { readable: true, free: freeGib * GIB, total: 100 * GIB },
    spaceThresholds: { minimum: 5 * GIB, warning: 0, configured: "5G -" },
    inodes: null,
    inodeThresholds: { minimum: 50, warning: 0, configured: "5%" },
    timeToFullMs: null,
    ...more,
  };
}
const findings = (...measured: PathFinding[]): DiskFindings => ({
  listed: measured.map(({ path }) => path),
  measured,
  fspart: { file: "/srv/fspart", problems: [] },
});

function play(...rounds: DiskFindings[]): string[][] {
  let state = emptyDiskState(now);
  return rounds.map((round) => {
    const decision = decideDisk(state, round, "hades", now);
    state = DiskState.parse(JSON.parse(JSON.stringify(decision.state)));
    return decision.reports.map(({ phase, alert }) => {
      Alert.parse(alert);
      return `${phase} ${alert.kind} ${alert.severity} ${alert.cause}: ${alert.summary}`;
    });
  });
}
const first = Math.floor(now.getTime() / 1000);

test("a shortage is raised and resolved under one cause, the next one under another", () => {
  expect(play(findings(finding("/data", 4)), findings(finding("/data", 9)), findings(finding("/data", 3)))).toEqual([
    [
      `raised disk error disk/hades//data/${first}: Only 4.0 GiB (4 %) free on /data of server hades, at least 5.0 GiB are needed`,
    ],
    [`resolved disk info disk/hades//data/${first}: /data of server hades has 9.0 GiB (9 %) free again`],
    [
      `raised disk error disk/hades//data/${first + 1}: Only 3.0 GiB (3 %) free on /data of server hades, at least 5.0 GiB are needed`,
    ],
  ]);
});

test("inodes, access and fspart are causes of their own", () => {
  const inodes = { inodes: { readable: true, free: 10, total: 1000 } } as const;
  const problems = [{ line: 3, text: "x", message: "is wrong" }];
  const broken = { ...findings(finding("/data", null)), fspart: { file: "/srv/fspart", problems } };
  const [raised, lost, over] = play(findings(finding("/data", 4, inodes)), broken, findings(finding("/data", 50)));
  expect(raised).toEqual([expect.stringMatching(/^raised disk error /), expect.stringMatching(/^raised inode error /)]);
  expect(lost).toEqual([
    expect.stringMatching(/^raised disk error .*cannot be checked: it does not exist$/),
    expect.stringMatching(/^raised disk warning .*fspart on server hades: line 3: is wrong$/),
  ]);
  expect(over).toEqual([
    expect.stringMatching(/^resolved disk info .*can be checked again$/),
    expect.stringMatching(/^resolved disk info .*50.0 GiB/),
    expect.stringMatching(/^resolved disk info .*right again$/),
  ]);
});

test("a path that is taken from the list is resolved; one that could not be asked keeps its state", () => {
  const low = findings(finding("/data", 4));
  const busy: DiskFindings = { ...low, measured: [] };
  expect(play(low, busy, findings())[1]).toEqual([]);
  expect(play(low, busy, findings())[2]).toEqual([expect.stringMatching(/^resolved disk .*no longer watched$/)]);
});

test("the 1609 message is due when space becomes low, once", () => {
  const start = emptyDiskState(now);
  const one = decideDisk(start, findings(finding("/data", 4)), "hades", now);
  expect(one.low).toEqual([{ path: "/data", freeBytes: 4 * GIB, minimumBytes: 5 * GIB }]);
  expect(decideDisk(one.state, findings(finding("/data", 1)), "hades", now).low).toEqual([]);
});

test("every raised cause is new, every other alert belongs to an open one, no dedupKey comes twice", () => {
  const level = fc.option(fc.integer({ min: 0, max: 12 }));
  const round = fc.dictionary(fc.constantFrom("/a", "/b", "__proto__x"), level);
  fc.assert(
    fc.property(fc.array(round, { maxLength: 30 }), (rounds) => {
      let state = emptyDiskState(now);
      const seen = new Set<string>();
      const keys = new Set<unknown>();
      const open = new Set<string>();
      for (const paths of rounds) {
        const measured = Object.entries(paths).map(([path, free]) => finding(path, free));
        const decision = decideDisk(state, findings(...measured), "hades", now);
        state = decision.state;
        for (const { phase, alert } of decision.reports) {
          expect(keys.has(alert.details["dedupKey"])).toBe(false);
          keys.add(alert.details["dedupKey"]);
          expect(phase === "raised" ? seen.has(alert.cause) : !open.has(alert.cause)).toBe(false);
          seen.add(alert.cause);
          if (phase === "resolved") open.delete(alert.cause);
          else open.add(alert.cause);
        }
      }
      const last = decideDisk(state, findings(), "hades", now);
      expect(new Set(last.reports.map(({ alert }) => alert.cause))).toEqual(open);
    }),
  );
});
