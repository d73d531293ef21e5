import { execFile, spawn } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createIdSource, createSystemClock, systemRng } from "@castellan/kernel";
import { eventually, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOutboxDisk } from "../../src/outbox/outbox-disk.ts";
import { type OutboxFile, openOutboxFile } from "../../src/outbox/outbox-file.ts";
import type { OutboxLimits } from "../../src/outbox/outbox-limits.ts";
import { anAlert } from "./alerts.ts";

const run = promisify(execFile);
const newId = createIdSource(createSystemClock(), systemRng);
let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

const open = (path: string, limits: Partial<OutboxLimits> = {}): Promise<OutboxFile> =>
  openOutboxFile({ disk: createOutboxDisk(path), newId, damagedAlert: () => anAlert({ summary: "damaged" }), limits });
const report = (file: OutboxFile, summary: string) => file.append({ phase: "raised", alert: anAlert({ summary }) });

/** Appends in a process of its own until that is killed; what it said was acknowledged. */
async function appendUntilKilled(path: string, atLeast: number): Promise<string[]> {
  const script = fileURLToPath(new URL("append-for-ever.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@castellan/source", "--import", "tsx", script, path]);
  let said = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  try {
    await eventually(() => said.split("\n").length > atLeast, { withinMs: 30_000, describe: `appends; ${errors}` });
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  return said.slice(0, said.lastIndexOf("\n")).split("\n");
}

describe("outbox on a real disk", () => {
  it("has every acknowledged alert once, in order, after kill -9, again and again", async () => {
    const path = home.path("run", "outbox");
    let before = 0;
    for (const atLeast of [1, 40, 150]) {
      const acknowledged = await appendUntilKilled(path, atLeast);
      const file = await open(path);
      const found = await file.read(before, 100_000);
      expect(file.damaged).toBe(0);
      expect(found.map(({ number }) => number)).toEqual(found.map((_, at) => before + at + 1));
      const lines = new Set(found.map(({ number, alert }) => `${number} ${alert.summary}`));
      expect(acknowledged.filter((line) => !lines.has(line))).toEqual([]);
      before = file.last;
      await file.close();
    }
  });

  it("forgets whole segments once they are confirmed and no longer needed for their keys", async () => {
    const path = home.path("outbox");
    const file = await open(path, { segmentBytes: 4000, remembered: 10 });
    await Promise.all(Array.from({ length: 200 }, (_, at) => report(file, `a ${at}`)));
    const segments = async (): Promise<number> => (await readdir(path)).filter((name) => name.endsWith(".log")).length;
    const many = await segments();
    file.confirm(200);
    await file.maintain();
    expect(many).toBeGreaterThan(5);
    expect(await segments()).toBeLessThan(4);
    await file.close();
    const reopened = await open(path, { segmentBytes: 4000, remembered: 10 });
    expect([reopened.last, reopened.confirmed]).toEqual([200, 200]);
    await reopened.close();
  });

  it("says on a full disk that it is full, out of its reserve, and goes on when there is room", async (context) => {
    const path = home.path("small");
    await mkdir(path);
    try {
      await run("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", path]);
    } catch {
      context.skip("needs the right to mount a small file system: run as root");
    }
    try {
      const file = await open(`${path}/outbox`, { reserveBytes: 1024 ** 2 });
      await file.maintain();
      await writeFile(`${path}/filler`, "x".repeat(8 * 1024 ** 2)).catch(() => undefined);
      const accepted = await report(file, "the disk is full");
      expect(accepted.number).toBe(1);
      await writeFile(`${path}/filler2`, "x".repeat(8 * 1024 ** 2)).catch(() => undefined);
      const long = "y".repeat(1000);
      await expect(Promise.all(Array.from({ length: 50 }, () => report(file, long)))).rejects.toMatchObject({
        code: "OUTBOX_FULL",
        retryable: true,
      });
      await run("rm", [`${path}/filler`, `${path}/filler2`]);
      await report(file, "room again");
      const found = (await file.read(0, 100)).map(({ alert }) => alert.summary);
      expect([found[0], found.at(-1)]).toEqual(["the disk is full", "room again"]);
      await file.close();
    } finally {
      await run("umount", [path]);
    }
  });
});
