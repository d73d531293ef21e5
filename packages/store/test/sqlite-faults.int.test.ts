/**
 * What goes wrong with a SQLite file under a program that has it open: it is deleted, replaced, damaged, on a full disk, or may
 * not be written any more. Each is named with its remedy, nothing is half-done, no commit goes where nobody sees it, and it is
 * over when the cause is.
 */
import { execFileSync } from "node:child_process";
import { copyFile, open as openFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Gateway, insert } from "@castellan/store";
import { smallDisk, whyNoSmallDisk } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NOON } from "../src/testing/rows.ts";
import { sqliteFile, type TestFile } from "./files.ts";
import { counterRow, countOf, countUp, outcomeOf } from "./stream.ts";

const noRoot = whyNoSmallDisk() === undefined ? "" : ` (skipped: ${whyNoSmallDisk()})`;
const SIDE_FILES = ["-wal", "-shm"];

let file: TestFile;
let gateway: Gateway;
beforeEach(async () => {
  file = await sqliteFile();
  gateway = await file.open();
  await gateway.commit([counterRow(1)]);
});
afterEach(async () => {
  await file.remove();
});

describe("a file in use", () => {
  it("that is deleted takes no commit that nobody would see, and gives no row; back from a backup it is used again", async () => {
    const backup = `${file.path}.backup`;
    await gateway.close();
    await copyFile(file.path, backup);
    gateway = await file.open();
    expect(await gateway.commit([countUp(1, 0)])).toEqual([1]);
    for (const end of ["", ...SIDE_FILES]) await rm(`${file.path}${end}`);
    for (const work of [gateway.commit([countUp(1, 1)]), gateway.find("sentinel")]) {
      expect(await outcomeOf(work)).toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringMatching(/node\.db was deleted while it was in use: put it back/),
      });
    }
    await rename(backup, file.path);
    expect(await countOf(gateway, 1), "as the backup has it").toBe(0);
    expect(await gateway.commit([countUp(1, 0)])).toEqual([1]);
    expect(await countOf(await file.open(), 1)).toBe(1);
  });

  it("that is replaced by another at once is left for it, and what is written there stays", async () => {
    const other = await sqliteFile();
    try {
      const elsewhere = await other.open();
      await elsewhere.commit([counterRow(1), counterRow(2)]);
      await elsewhere.close();
      for (const end of SIDE_FILES) await rm(`${file.path}${end}`);
      await rename(other.path, file.path);
      const newcomer = await file.open();
      expect(await newcomer.commit([countUp(2, 0)])).toEqual([1]);
      expect(await gateway.commit([countUp(2, 1)])).toEqual([1]);
      await gateway.close();
      expect(await countOf(newcomer, 2)).toBe(2);
    } finally {
      await other.remove();
    }
  });

  it("whose pages are damaged is said to be, by whoever meets them", async () => {
    await gateway.commit(lines(0, 200));
    await gateway.close();
    await damage(file.path);
    const outcome = await outcomeOf(
      file.open().then(async (next) => {
        await next.find("audit_log");
        await next.commit(lines(1, 200));
      }),
    );
    expect(outcome).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/malformed; the file is damaged: restore it from a backup/),
    });
  });

  it.skipIf(noRoot !== "")(
    `that may not be written any more is said to be, and still read; over when it may${noRoot}`,
    async () => {
      const immutable = (sign: "+" | "-"): void => {
        // Not the third one: it is memory that they share, and the kernel ends whoever writes to forbidden memory.
        for (const end of ["", "-wal"]) execFileSync("chattr", [`${sign}i`, `${file.path}${end}`]);
      };
      immutable("+");
      try {
        expect(await outcomeOf(gateway.commit([countUp(1, 0)]))).toMatchObject({
          code: expect.stringMatching(/STORE_UNAVAILABLE|STORE_AMBIGUOUS/),
          message: expect.stringMatching(/check the file system|make it writable/),
        });
        expect(await countOf(gateway, 1)).toBe(0);
      } finally {
        immutable("-");
      }
      expect(await gateway.commit([countUp(1, 0)])).toEqual([1]);
      expect(await countOf(await file.open(), 1)).toBe(1);
    },
  );

  it.skipIf(noRoot !== "")(
    `on a disk that is full is said to be, nothing is half-done, and it is over when there is room${noRoot}`,
    async () => {
      const disk = await smallDisk(8);
      const full = await file.open({ url: `sqlite:${join(disk.dir, "node.db")}` });
      try {
        await full.commit([counterRow(1)]);
        disk.fill();
        let count = 0;
        let outcome = { code: "done", message: "" };
        // The write-ahead log may have some room left of its own.
        for (; outcome.code === "done" && count < 10_000; count += outcome.code === "done" ? 1 : 0) {
          outcome = await outcomeOf(full.commit([countUp(1, count), ...lines(count, 20)]));
        }
        expect(outcome).toMatchObject({
          code: "STORE_UNAVAILABLE",
          message: expect.stringMatching(/full; the disk is full: free some space on it/),
        });
        expect(await countOf(full, 1), "all or nothing").toBe(count);
        expect(await full.find("audit_log", { where: { id: `line-${count}-0` } })).toEqual([]);
        disk.empty();
        expect(await full.commit([countUp(1, count), ...lines(count, 20)])).toHaveLength(21);
      } finally {
        await full.close();
        await disk.remove();
      }
    },
  );
});

/** Random bytes over all pages but the first, which says that it is a database and what it holds. */
async function damage(path: string): Promise<void> {
  const { size } = await stat(path);
  const handle = await openFile(path, "r+");
  const page = 4096;
  await handle.write(Buffer.alloc(size - page, 0xa5), 0, size - page, page);
  await handle.close();
}

const lines = (batch: number, count: number) =>
  Array.from({ length: count }, (_, at) =>
    insert("audit_log", {
      id: `line-${batch}-${at}`,
      happened_at: NOON,
      by_user: "somebody",
      station: "hades",
      command: null,
      what: "fill",
      details: "x".repeat(200),
    }),
  );
