import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type OutboxFile, openOutboxFile } from "../../src/outbox/outbox-file.ts";
import { OUTBOX_LIMITS, type OutboxLimits } from "../../src/outbox/outbox-limits.ts";
import { anAlert } from "./alerts.ts";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.ts";

let ids = 0;
const newId = (): string => `id-${String(++ids).padStart(6, "0")}`;

function open(disk: MemoryDisk, limits: Partial<OutboxLimits> = {}): Promise<OutboxFile> {
  return openOutboxFile({
    disk,
    newId,
    damagedAlert: (number) => anAlert({ kind: "sentinel", subject: "outbox", summary: `alert ${number} was damaged` }),
    limits: { reserveBytes: 1000, ...limits },
  });
}

const summaries = async (file: OutboxFile): Promise<string[]> =>
  (await file.read(0, 10_000)).map(({ number, alert }) => `${number} ${alert.summary}`);

const report = (file: OutboxFile, summary: string, key?: string) =>
  file.append({ phase: "raised", alert: anAlert({ summary }), ...(key === undefined ? {} : { key }) });

describe("outbox file", () => {
  it("numbers alerts from 1 and finds them, its id and what is confirmed again after a restart", async () => {
    const disk = createMemoryDisk();
    const first = await open(disk);
    expect((await report(first, "a")).number).toBe(1);
    expect((await report(first, "b")).number).toBe(2);
    first.confirm(1);
    await first.close();
    const second = await open(createMemoryDisk(disk.files));
    expect(second.id).toBe(first.id);
    expect([second.last, second.confirmed]).toEqual([2, 1]);
    expect(await summaries(second)).toEqual(["1 a", "2 b"]);
  });

  it("shares one sync among all appends that arrive while the disk is busy", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    const release = disk.hold();
    const first = report(file, "first");
    await Promise.resolve();
    const rest = Array.from({ length: 99 }, (_, at) => report(file, `next ${at}`));
    release();
    const records = await Promise.all([first, ...rest]);
    expect(records.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(disk.syncs).toBeLessThanOrEqual(2);
  });

  it("answers a key that comes again with its first record, after a restart too", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    const [one, same] = await Promise.all([report(file, "a", "k1"), report(file, "a again", "k1")]);
    expect([one.number, same.number]).toEqual([1, 1]);
    const reopened = await open(createMemoryDisk(disk.files));
    expect((await report(reopened, "a third time", "k1")).number).toBe(1);
    expect((await report(reopened, "b", "k2")).number).toBe(2);
  });

  it("recognises the last 1,000 keys although their records are confirmed and segments deleted", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk, { segmentBytes: 4000 });
    for (let at = 1; at <= 1500; at += 1) await report(file, `a ${at}`, `k${at}`);
    file.confirm(1500);
    await file.maintain();
    expect(file.oldest).toBeGreaterThan(400);
    expect(file.oldest).toBeLessThanOrEqual(501);
    const reopened = await open(createMemoryDisk(disk.files));
    expect((await report(reopened, "again", "k501")).number).toBe(501);
    expect((await report(reopened, "new", "k1501")).number).toBe(1501);
  });

  it("property: whatever byte the crash falls on, every acknowledged alert is there once, in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 12_000 }),
        fc.integer({ min: 600, max: 4000 }),
        async (bursts, untilCrash, segmentBytes) => {
          const disk = createMemoryDisk();
          const file = await open(disk, { segmentBytes });
          disk.untilCrash = untilCrash;
          const acknowledged: string[] = [];
          let made = 0;
          for (const burst of bursts) {
            await Promise.all(
              Array.from({ length: burst }, async () => {
                const summary = `alert ${++made}`;
                try {
                  acknowledged.push(`${(await report(file, summary)).number} ${summary}`);
                } catch {
                  // Not accepted: the reporter knows.
                }
              }),
            );
          }
          const reopened = await open(createMemoryDisk(disk.files), { segmentBytes });
          const found = await summaries(reopened);
          expect(found.slice(0, acknowledged.length)).toEqual(acknowledged);
          expect(found.map((line) => Number(line.split(" ")[0]))).toEqual(found.map((_, at) => at + 1));
          expect(reopened.damaged).toBe(0);
          expect((await report(reopened, "after")).number).toBe(found.length + 1);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("property: cut at any byte, every whole record before the cut is kept", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    for (let at = 1; at <= 8; at += 1) await report(file, `ä ${at}`);
    const whole = disk.files.get("000000000001.log") ?? new Uint8Array();
    const lengths = [0];
    for (const [at, byte] of whole.entries()) if (byte === 0x0a) lengths.push(at + 1);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const files = new Map(disk.files).set("000000000001.log", whole.slice(0, cut));
      const reopened = await open(createMemoryDisk(files));
      expect(reopened.last).toBe(lengths.filter((length) => length > 0 && length <= cut).length);
      expect(files.get("000000000001.log")).toHaveLength(lengths.findLast((length) => length <= cut) ?? 0);
    }
  });

  it("takes back what a failed sync has left behind, so that no refused alert comes to life", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    await report(file, "a");
    disk.failsSync = true;
    const refused = await Promise.allSettled([report(file, "b"), report(file, "c")]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    disk.failsSync = false;
    await report(file, "d");
    const reopened = await open(createMemoryDisk(disk.files));
    expect([reopened.damaged, await summaries(reopened)]).toEqual([0, ["1 a", "2 d"]]);
  });

  it("replaces a damaged record by an alert that says so, keeps its bytes aside and the rest as it is", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    for (const summary of ["a", "b", "c"]) await report(file, summary);
    const data = disk.files.get("000000000001.log") ?? new Uint8Array();
    const second = data.indexOf(0x0a) + 20;
    data[second] = (data[second] ?? 0) ^ 1;
    const reopened = await open(createMemoryDisk(disk.files));
    expect(reopened.damaged).toBe(1);
    expect(await summaries(reopened)).toEqual(["1 a", "2 alert 2 was damaged", "3 c"]);
    expect([...disk.files.keys()].filter((name) => name.startsWith("damaged-"))).toHaveLength(1);
    const again = await open(createMemoryDisk(disk.files));
    expect([again.damaged, await summaries(again)]).toEqual([0, await summaries(reopened)]);
  });

  it("begins again under a new id when its segments are gone or older than what was confirmed", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    await report(file, "a");
    const early = new Map(disk.files);
    await report(file, "b");
    file.confirm(2);
    await file.close();
    const without = new Map([...disk.files].filter(([name]) => !name.endsWith(".log")));
    const fresh = await open(createMemoryDisk(without));
    expect(fresh.id).not.toBe(file.id);
    expect((await report(fresh, "c")).number).toBe(1);
    const older = new Map(disk.files).set("000000000001.log", early.get("000000000001.log") ?? new Uint8Array());
    const restored = await open(createMemoryDisk(older));
    expect([restored.id === file.id, restored.last]).toEqual([false, 0]);
  });

  it("deletes its reserve to say that the disk is full, then refuses clearly, and recovers", async () => {
    const disk = createMemoryDisk();
    const file = await open(disk);
    await file.maintain();
    expect(disk.files.has("reserve")).toBe(true);
    const accepted: string[] = [];
    disk.capacity = [...disk.files.values()].reduce((sum, { length }) => sum + length, 0) + 100;
    let refused: unknown = null;
    for (let at = 0; refused === null && at < 100; at += 1) {
      try {
        accepted.push(`${(await report(file, `full ${at}`)).number} full ${at}`);
      } catch (error) {
        refused = error;
      }
    }
    expect(accepted.length).toBeGreaterThan(0);
    expect(disk.files.has("reserve")).toBe(false);
    expect(refused).toMatchObject({ code: "OUTBOX_FULL", retryable: true });
    expect(String(refused)).toContain("/memory/run/outbox");
    disk.capacity = Number.POSITIVE_INFINITY;
    await report(file, "room again");
    await file.maintain();
    expect(disk.files.has("reserve")).toBe(true);
    const expected = [...accepted, `${accepted.length + 1} room again`];
    expect(await summaries(file)).toEqual(expected);
    expect(await summaries(await open(createMemoryDisk(disk.files)))).toEqual(expected);
  });

  it("refuses clearly on a read-only home, open or not yet open", async () => {
    const disk = createMemoryDisk();
    disk.refuse = "EROFS";
    await expect(open(disk)).rejects.toMatchObject({ code: "OUTBOX_UNWRITABLE", retryable: true });
    disk.refuse = null;
    const file = await open(disk);
    await report(file, "a");
    disk.refuse = "EROFS";
    await expect(report(file, "b")).rejects.toThrow(/make the home directory writable/);
    disk.refuse = null;
    expect((await report(file, "c")).number).toBe(2);
  });

  it("refuses repeated alerts first when too many wait for a desk", async () => {
    const file = await open(createMemoryDisk(), { records: 4 });
    const repeated = () => file.append({ phase: "repeated", alert: anAlert() });
    for (let at = 0; at < 4; at += 1) await repeated();
    await expect(repeated()).rejects.toMatchObject({ code: "OUTBOX_FULL" });
    await report(file, "raised still fits");
    await expect(report(file, "now it is full")).rejects.toMatchObject({ code: "OUTBOX_FULL" });
    file.confirm(3);
    await repeated();
  });

  it("leaves out details that are too large, but counts and recognises the alert", async () => {
    const file = await open(createMemoryDisk());
    const details = { count: 3, dedupKey: "k", text: "x".repeat(OUTBOX_LIMITS.recordBytes) };
    const { alert } = await file.append({ phase: "raised", alert: anAlert({ details }) });
    expect(alert.details).toEqual({ count: 3, dedupKey: "k", omitted: expect.stringContaining("256.") });
  });

  it("leaves out details that JSON reads but cannot write, and keeps what came with them", async () => {
    const file = await open(createMemoryDisk());
    const deep: unknown = JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`);
    const [sane, strange] = await Promise.all([
      file.append({ phase: "raised", alert: anAlert() }),
      file.append({ phase: "raised", alert: anAlert({ details: { deep, count: deep } }) }),
    ]);
    expect(sane.number).toBe(1);
    expect(strange.alert.details).toEqual({ count: 1, omitted: "details were nested too deeply" });
  });

  it("reads records that are no longer in memory from disk", async () => {
    const file = await open(createMemoryDisk(), { segmentBytes: 10_000 });
    await Promise.all(Array.from({ length: 3000 }, (_, at) => report(file, `a ${at + 1}`)));
    expect((await file.read(500, 3)).map(({ number }) => number)).toEqual([501, 502, 503]);
    expect((await file.read(2998, 10)).map(({ number }) => number)).toEqual([2999, 3000]);
    expect(await file.read(3000, 10)).toEqual([]);
  });
});
