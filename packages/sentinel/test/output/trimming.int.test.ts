import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createManualClock } from "@castellan/actor/testing";
import { silentLogger } from "@castellan/kernel";
import { assertNothingLeft, eventually, killAll, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CutResult } from "../../src/output/cut-head.ts";
import { createOutputTrim } from "../../src/output/output-trim.ts";
import { type Bookmark, CUT_GRAIN, readOutput } from "../../src/output/read-output.ts";
import { createProcReader } from "../../src/process/identity.ts";

const nothing = (): void => undefined;
const MIB = 1024 * 1024;
const KEEP = 4 * MIB;
/** Lines that may be written and not yet read: much less than the three quarters of KEEP that a cut leaves. */
const AHEAD = (KEEP / 4 / 100) * 2;
let home: TempHome;
let killWorker: () => Promise<void>;
let isUp: boolean;

beforeEach(async () => {
  home = await tempHome();
});
afterEach(async () => {
  await killAll(home.dir);
  await assertNothingLeft(home.dir);
  await home.remove();
});

async function startWorker(): Promise<void> {
  const program = fileURLToPath(new URL("./trimming-worker.ts", import.meta.url));
  const args = ["--conditions=@castellan/source", "--import", "tsx", program, home.dir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  killWorker = async () => {
    isUp = false;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  await once(child.stdout, "data");
  isUp = true;
}

/** Reads on for ever; `cuts` and `lines` grow, and anything but the next number is a complaint. */
function follow(path: string) {
  const seen = { cuts: 0, lines: 0, complaints: [] as string[], largest: 0 };
  let at: Bookmark = { position: 0, before: new Uint8Array() };
  let rest = "";
  const readOn = async (): Promise<void> => {
    const chunk = await readOutput(path, at, 4 * MIB);
    if (chunk === null) return;
    seen.largest = Math.max(seen.largest, statSync(path).size);
    if (chunk.next.position < at.position + chunk.data.length) seen.cuts += 1;
    if (chunk.isTorn) seen.complaints.push(`torn after line ${seen.lines}`);
    at = chunk.next;
    const lines = `${rest}${Buffer.from(chunk.data).toString("latin1")}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith(`line ${seen.lines} x`)) seen.complaints.push(`${line} instead of ${seen.lines}`);
      seen.lines += 1;
    }
  };
  return { seen, readOn };
}

/** In the whole file, while nobody cuts: its first and its last line may be halves. */
function gaps(path: string): string[] {
  const lines = readFileSync(path, "latin1").split("\n").slice(1, -1);
  const numbers = lines.map((line) => Number(/^line (\d+) x{80}$/.exec(line)?.[1]));
  const [first = Number.NaN] = numbers;
  return lines.filter((_line, at) => numbers[at] !== first + at).slice(0, 3);
}

test("20 times its head is cut off while a process writes, the worker killed in between: no line is lost or doubled", async () => {
  const mayWrite = (lines: number): void => writeFileSync(home.path("credit"), String(lines));
  mayWrite(AHEAD);
  await startWorker();
  const path = home.path("logs", "OUT_1.log");
  const { seen, readOn } = follow(path);
  const kills = [4, 9, 14];
  await eventually(
    async () => {
      await readOn();
      if (seen.complaints.length > 0) return true;
      if (isUp) mayWrite(seen.lines + AHEAD); // without a worker it goes on for a while only: nobody cuts
      if (seen.cuts >= (kills[0] ?? Number.POSITIVE_INFINITY)) {
        kills.shift();
        await killWorker();
        seen.complaints.push(...gaps(path).map((line) => `kept after a gap: ${line}`));
        void startWorker();
      }
      return seen.cuts >= 20;
    },
    { withinMs: 140_000, everyMs: 20, describe: "20 cuts" },
  );
  expect(seen.complaints.slice(0, 5)).toEqual([]);
  expect(kills).toEqual([]);
  expect(seen.lines).toBeGreaterThan((20 * KEEP) / 4 / 100);
  const launched = createProcReader()
    .findLaunched()
    .filter(({ labels }) => labels.get("CASTELLAN_HOME") === home.dir);
  expect(launched, "the process that wrote all this is the first one").toHaveLength(1);
});

test("only what is over the bound is cut, in whole grains; what cannot be cut is told once", async () => {
  const manual = createManualClock();
  const path = home.path("out.log");
  const told: string[] = [];
  const moved: number[] = [];
  const cuts: number[] = [];
  let answer: CutResult = { how: "refused", reason: "it will not" };
  const trim = createOutputTrim(
    manual,
    { ...silentLogger, warn: (message) => void told.push(message) },
    (_path, bytes) => {
      cuts.push(bytes);
      return Promise.resolve(answer);
    },
  );
  const unwatch = trim.watch({ path, keep: () => MIB, onMoved: (bytes) => void moved.push(bytes) });
  const look = async (): Promise<void> => {
    await manual.run(1000);
  };
  await look(); // there is no file yet
  writeFileSync(path, Buffer.alloc(MIB));
  await look();
  expect(cuts).toEqual([]);
  appendFileSync(path, "one more");
  await look();
  await look();
  expect(told).toHaveLength(1);
  expect(cuts.every((bytes) => bytes === MIB / 4)).toBe(true);
  expect(moved).toEqual([]);
  answer = { how: "collapsed" };
  await look();
  expect(moved[0]).toBe(MIB / 4);
  answer = { how: "hole" };
  await look();
  const before = cuts.length;
  await look();
  await look();
  expect(cuts, "a hole is made once").toHaveLength(before);
  unwatch();
  expect(MIB % CUT_GRAIN).toBe(0);
});

test("a file is cut once, also when another one comes to be watched while that is done", async () => {
  const manual = createManualClock();
  const path = home.path("out.log");
  writeFileSync(path, Buffer.alloc(3 * MIB));
  const cuts: number[] = [];
  let done = nothing;
  const trim = createOutputTrim(manual, silentLogger, (_path, bytes) => {
    cuts.push(bytes);
    return new Promise((resolve) => {
      done = () => resolve({ how: "refused", reason: "it will not" });
    });
  });
  const file = { path, keep: () => MIB, onMoved: () => undefined };
  const unwatch = trim.watch(file);
  await manual.run(1000);
  const unwatchOther = trim.watch({ ...file, path: home.path("other.log") });
  await manual.run(5000);
  expect(cuts).toHaveLength(1);
  done();
  await manual.run(1000);
  expect(cuts).toHaveLength(2);
  done();
  unwatch();
  unwatchOther();
  await manual.settle();
  expect(manual.waiting).toBe(0);
});
