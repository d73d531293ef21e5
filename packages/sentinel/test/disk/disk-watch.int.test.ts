import { execFileSync } from "node:child_process";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type ActorSystem, createActorSystem } from "@castellan/actor";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { Alert, type AlertPhase } from "@castellan/protocol";
import { eventually, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDiskRound, createDiskWatch, type DiskWatchDeps } from "../../src/disk/disk-watch.ts";
import type { StatFs } from "../../src/disk/measure.ts";

const MIB = 1024n ** 2n;
const usage = (freeMib: number, freeInodes = 500): StatFs => ({
  bavail: BigInt(freeMib) * MIB,
  bsize: 1n,
  blocks: 1000n * MIB,
  files: 1000n,
  ffree: BigInt(freeInodes),
});

let home: TempHome;
let told: string[];
let alerts: Alert[];
let errors: string[];
let disks: Map<string, () => Promise<StatFs>>;
let deps: DiskWatchDeps;
let system: ActorSystem | undefined;
let failing: Error | null;
beforeEach(async () => {
  home = await tempHome();
  told = [];
  alerts = [];
  errors = [];
  failing = null;
  disks = new Map();
  system = undefined;
  deps = {
    identity: { server: "hades", home: home.dir },
    alerts: {
      report: async (phase: AlertPhase, alert) => {
        if (failing) throw failing;
        alerts.push(Alert.parse(JSON.parse(JSON.stringify(alert))));
        told.push(`${phase} ${alert.kind} ${alert.severity} ${alert.subject}`);
      },
    },
    messageLog: { error: (id, text) => void errors.push(`${id}-${text}`) },
    settings: () => ({ periodMs: 60_000, minFreeBytes: Number(100n * MIB) }),
    statfs: async (path) => {
      const disk = disks.get(path);
      if (!disk) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      return disk();
    },
    mountFiles: { fstab: home.path("fstab"), mountinfo: home.path("mountinfo") },
    statDeadlineMs: 100,
  };
});
afterEach(async () => {
  await system?.stop(30_000);
  await home.remove();
});

const round = () => createDiskRound(deps, createSystemClock(), silentLogger);
const fspart = (text: string) => writeFile(home.path("fspart"), text);
const setFree = (path: string, freeMib: number, freeInodes?: number) =>
  disks.set(path, async () => usage(freeMib, freeInodes));

test("raises, tells of worse, writes 1609 once, resolves", async () => {
  const look = round();
  await fspart("/data 100M 200M\n");
  setFree("/data", 150);
  await look(true);
  setFree("/data", 99);
  await look(true);
  await look(true);
  setFree("/data", 300);
  await look(true);
  expect(told).toEqual(["raised disk warning /data", "repeated disk error /data", "resolved disk info /data"]);
  expect(new Set(alerts.map(({ cause }) => cause)).size).toBe(1);
  expect(errors).toEqual(["1609-WARNING: Only 101376 kilobytes free in /data's volume, at least 102400 are needed"]);
  expect(alerts[1]?.details).toMatchObject({
    path: "/data",
    freeBytes: 99 * 1024 ** 2,
    minimumBytes: 100 * 1024 ** 2,
    totalBytes: 1000 * 1024 ** 2,
    freePercent: 9.9,
    timeToFullMs: null,
  });
});

test("a restart neither raises again nor forgets to resolve", async () => {
  await fspart("/data\n");
  setFree("/data", 50);
  await round()(true);
  await round()(true);
  setFree("/data", 500);
  await round()(true);
  expect(told).toEqual(["raised disk error /data", "resolved disk info /data"]);
});

test("an alert that could not be handed over comes again after a restart, the very same", async () => {
  await fspart("/data\n");
  setFree("/data", 50);
  failing = new Error("stopping");
  await expect(round()(true)).rejects.toThrow("stopping");
  const written: unknown = JSON.parse(await readFile(home.path("run", "disk-watch.json"), "utf8"));
  failing = null;
  await round()(true);
  expect(told).toEqual(["raised disk error /data"]);
  expect(written).toMatchObject({ pending: [{ phase: "raised", alert: alerts[0] }] });
});

test("inodes count as well", async () => {
  await fspart("/data\n");
  setFree("/data", 500, 49);
  await round()(true);
  expect(told).toEqual(["raised inode error /data"]);
});

test("a file system that does not answer holds up nobody and is told of; it is not asked again meanwhile", async () => {
  let asked = 0;
  const answers: ((found: StatFs) => void)[] = [];
  disks.set("/nfs", () => {
    asked += 1;
    return new Promise((resolve) => {
      answers.push(resolve);
    });
  });
  setFree("/data", 50);
  await fspart("/nfs\n/data\n");
  const look = round();
  await look(true);
  await look(true);
  expect(told).toEqual(["raised disk error /nfs", "raised disk error /data"]);
  expect(asked).toBe(1);
  answers[0]?.(usage(500));
  setFree("/nfs", 500);
  await eventually(async () => {
    await look(true);
    expect(told[2]).toBe("resolved disk info /nfs");
  });
});

test("with three dead mounts the rest is left alone rather than the last thread lost", async () => {
  for (const path of ["/a", "/b", "/c"]) disks.set(path, () => new Promise(() => undefined));
  setFree("/data", 50);
  await fspart("/a\n/b\n/c\n/data\n");
  await round()(true);
  expect(told).toEqual(["raised disk error /a", "raised disk error /b", "raised disk error /c"]);
});

test("a path that does not exist or is not mounted is told of with its reason", async () => {
  await writeFile(home.path("fstab"), "/dev/sdb /data ext4 defaults 0 0\n");
  await writeFile(home.path("mountinfo"), "22 1 8:1 / / rw - ext4 /dev/sda rw\n");
  setFree("/data/db", 500);
  await fspart("/data/db\n/none\n");
  await round()(true);
  expect(alerts.map(({ summary }) => summary)).toEqual([
    "Free space of /data/db on server hades cannot be checked: /data is not mounted",
    "Free space of /none on server hades cannot be checked: it does not exist",
  ]);
});

test("etc/fs_part is read when there is no fspart; with neither the home directory is watched", async () => {
  setFree(home.dir, 50);
  setFree("/data", 50);
  const look = round();
  await look(true);
  await mkdir(home.path("etc"));
  await writeFile(home.path("etc", "fs_part"), "/data\n");
  await look(true);
  expect(told).toEqual([`raised disk error ${home.dir}`, "raised disk error /data", `resolved disk info ${home.dir}`]);
});

test("a broken fspart is told of, the paths known before are watched on, and its repair resolves it", async () => {
  setFree("/data", 500);
  await fspart("/data\n");
  const look = round();
  await look(true);
  await rm(home.path("fspart"));
  execFileSync("mkfifo", [home.path("fspart")]);
  setFree("/data", 50);
  await look(false);
  await look(true);
  await rm(home.path("fspart"));
  await fspart("/data\nnonsense\n");
  await look(false);
  await fspart("/data\n# repaired\n");
  await look(false);
  expect(told).toEqual([
    "raised disk error /data",
    `raised disk warning ${home.path("fspart")}`,
    `resolved disk info ${home.path("fspart")}`,
  ]);
});

test("without a change of fspart a round within the period does nothing", async () => {
  setFree("/data", 500);
  await fspart("/data\n");
  const look = round();
  await look(true);
  setFree("/data", 50);
  await look(false);
  expect(told).toEqual([]);
});

test("the actor on the real file system: raising the minimum raises, lowering it resolves", async () => {
  const { statfs: _, mountFiles: __, statDeadlineMs: ___, ...real } = deps; // a real disk may take its time
  let tick = 0;
  const clock = createSystemClock();
  const newId = (): string => `id-${(tick += 1)}`;
  system = createActorSystem({ host: "test", clock, rng: systemRng, logger: silentLogger, newId });
  await fspart(`${home.dir} 1K\n`);
  const watch = system.spawn(
    createDiskWatch({ ...real, settings: () => ({ periodMs: 200, minFreeBytes: 1 }) }),
    "disk",
  );
  await eventually(() => readFile(home.path("run", "disk-watch.json"), "utf8"));
  expect(told).toEqual([]);
  await writeFile(home.path("draft"), `${home.dir} 1000T\n`);
  await rename(home.path("draft"), home.path("fspart"));
  await eventually(() => expect(told).toEqual([`raised disk error ${home.dir}`]));
  await fspart(`${home.dir} 1K\n`);
  watch.tell({ type: "CheckDisks" });
  await eventually(() => expect(told[1]).toBe(`resolved disk info ${home.dir}`));
  expect(system.deadLetters.count).toBe(0);
});
