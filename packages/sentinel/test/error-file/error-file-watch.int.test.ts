import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { type ActorSystem, createActorSystem } from "@castellan/actor";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import type { Alert } from "@castellan/protocol";
import { eventually, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDirectoryWatch } from "../../src/error-file/directory-watch.ts";
import { createErrorFileWatch } from "../../src/error-file/error-file-watch.ts";
import { DEFAULT_PATTERNS, watchedDirectories } from "../../src/error-file/names.ts";

let home: TempHome;
let system: ActorSystem;
let told: Alert[];
beforeEach(async () => {
  home = await tempHome();
  told = [];
  let tick = 0;
  const newId = (): string => `id-${(tick += 1)}`;
  system = createActorSystem({ host: "test", clock: createSystemClock(), rng: systemRng, logger: silentLogger, newId });
});
afterEach(async () => {
  await system.stop(30_000);
  await home.remove();
});

function start(rescanMs?: number): void {
  const watch = createErrorFileWatch({
    identity: { server: "hades", home: home.dir },
    alerts: { report: async (_, alert) => void told.push(alert) },
    enabled: () => true,
    patterns: () => DEFAULT_PATTERNS,
    ...(rescanMs === undefined ? {} : { rescanMs }),
  });
  system.spawn(watch, "error-files");
}
const lines = (): unknown[] => told.flatMap((alert) => alert.details["lastLines"]);
const seen = (line: string): Promise<unknown> =>
  eventually(() => expect(lines()).toContain(line), { withinMs: 30_000, everyMs: 2 });

test("what is appended is told of by the event, not by the next scan", async () => {
  await mkdir(home.path("logs"));
  start(3_600_000);
  for (let n = 0; n < 20; n += 1) {
    await appendFile(home.path("logs", "sw_error"), `line ${n}\n`);
    await seen(`line ${n}`);
  }
  expect(lines()).toHaveLength(20);
});

test("a logs directory that appears later, or is replaced, is watched as well", async () => {
  start();
  await mkdir(home.path("logs"));
  await writeFile(home.path("logs", "sw_error"), "one\n");
  await seen("one");
  await rename(home.path("logs"), home.path("logs.old"));
  await mkdir(home.path("logs"));
  await writeFile(home.path("logs", "sw_error"), "two\n");
  await seen("two");
  await appendFile(home.path("logs", "sw_error"), "three\n");
  await seen("three");
  expect(new Set(told.map(({ cause }) => cause)).size).toBe(2);
});

test("writers that never pause are followed without a line lost or doubled", async () => {
  await mkdir(home.path("logs"));
  start();
  for (let n = 0; n < 300; n += 1) await appendFile(home.path("logs", "sw_warn"), `line ${n}\n`);
  const counted = (): number => told.reduce((sum, { details }) => sum + Number(details["count"]), 0);
  await eventually(() => expect(counted()).toBe(300));
  const keys = told.map(({ details }) => details["dedupKey"]);
  expect(new Set(keys).size).toBe(keys.length);
});

test("a closed directory watch is silent", async () => {
  await mkdir(home.path("logs"));
  const signals = { closed: 0, open: 0 };
  const watchAs = (name: keyof typeof signals) =>
    createDirectoryWatch({
      home: home.dir,
      log: silentLogger,
      onChange: () => {
        signals[name] += 1;
      },
    });
  const [closed, open] = [watchAs("closed"), watchAs("open")];
  const directories = watchedDirectories(DEFAULT_PATTERNS);
  await closed.refresh(directories);
  await writeFile(home.path("logs", "sw_error"), "one\n");
  await eventually(() => signals.closed > 1);
  closed.close();
  const before = signals.closed;
  await open.refresh(directories);
  await appendFile(home.path("logs", "sw_error"), "two\n");
  await eventually(() => signals.open > 1);
  await closed.refresh(directories);
  open.close();
  expect(signals.closed).toBe(before);
});

test("only names that the patterns can mean are signals", async () => {
  await mkdir(home.path("logs"));
  let signals = 0;
  const watch = createDirectoryWatch({ home: home.dir, log: silentLogger, onChange: () => void (signals += 1) });
  await watch.refresh(watchedDirectories(DEFAULT_PATTERNS));
  const begun = signals;
  await writeFile(home.path("logs", "wis_1.out"), "chatter\n");
  await writeFile(home.path("logs", "sw_warn"), "");
  await eventually(() => signals > begun);
  watch.close();
  // Creation and closing of sw_warn, no more: the events of wis_1.out came before them.
  expect(signals - begun).toBeLessThanOrEqual(2);
});

test("a directory that was replaced by another of its name is watched from the next refresh on", async () => {
  await mkdir(home.path("logs"));
  let signals = 0;
  const watch = createDirectoryWatch({ home: home.dir, log: silentLogger, onChange: () => void (signals += 1) });
  const directories = watchedDirectories(DEFAULT_PATTERNS);
  await watch.refresh(directories);
  await rename(home.path("logs"), home.path("logs.old"));
  await mkdir(home.path("logs"));
  await watch.refresh(directories);
  const begun = signals;
  await writeFile(home.path("logs", "sw_error"), "one\n");
  await eventually(() => signals > begun, { withinMs: 30_000 });
  watch.close();
});
