import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSystemClock } from "@castellan/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeLock } from "../src/lock.ts";

const clock = createSystemClock();
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "castellan-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Another process that takes the lock, says so, and holds it until it is killed. */
const holder = (path: string) =>
  new Promise<{ kill(): Promise<void> }>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        "-e",
        `const D = require("better-sqlite3"); const d = new D(${JSON.stringify(path)}); d.pragma("journal_mode = MEMORY"); d.exec("BEGIN EXCLUSIVE"); console.log("held"); setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    child.once("error", reject);
    child.stdout.once("data", () =>
      resolve({
        kill: () =>
          new Promise((gone) => {
            child.once("exit", () => gone());
            child.kill("SIGKILL");
          }),
      }),
    );
  });

describe("the lock of a part", () => {
  it("is held by one at a time and can be taken again when released", async () => {
    const path = join(directory, "worker.lock");
    const first = await takeLock(path, clock, 0);
    expect(first).not.toBeNull();
    expect(await takeLock(path, clock, 0)).toBeNull();
    first?.release();
    const second = await takeLock(path, clock, 0);
    expect(second).not.toBeNull();
    second?.release();
  });

  it("is free the moment its holder is killed -9", async () => {
    const path = join(directory, "worker.lock");
    const other = await holder(path);
    expect(await takeLock(path, clock, 50)).toBeNull();
    await other.kill();
    const lock = await takeLock(path, clock, 30_000);
    expect(lock).not.toBeNull();
    lock?.release();
  });

  it("is not waited for when its holder is not about to end", async () => {
    const path = join(directory, "watcher.lock");
    const held = await takeLock(path, clock, 0);
    expect(await takeLock(path, clock, 3_600_000, () => true)).toBeNull();
    held?.release();
  });

  it("says what is wrong when it cannot be made", async () => {
    await expect(takeLock(join(directory, "no", "such", "place"), clock, 0)).rejects.toThrow(/cannot lock/);
  });

  it("knows when its file was removed, and when another has taken its place", async () => {
    const path = join(directory, "part.lock");
    const lock = await takeLock(path, clock, 0);
    expect(lock?.isLost()).toBe(false);
    rmSync(path);
    expect(lock?.isLost()).toBe(true);
    const next = await takeLock(path, clock, 0);
    expect(lock?.isLost()).toBe(true);
    expect(next?.isLost()).toBe(false);
    lock?.release();
    next?.release();
  });
});
