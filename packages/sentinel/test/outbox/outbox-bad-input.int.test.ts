/** What may lie in `run/outbox` and `run/*.json`: torn, foreign, no file at all. It is opened, and what was good is kept. */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readIfThere, writeDurably } from "../../src/durable-file.ts";
import { createOutboxDisk } from "../../src/outbox/outbox-disk.ts";
import { type OutboxFile, openOutboxFile } from "../../src/outbox/outbox-file.ts";
import { encodeRecord } from "../../src/outbox/outbox-record.ts";
import { anAlert } from "./alerts.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
  mkdirSync(home.path("outbox"));
});
afterEach(() => home.remove());

let ids = 0;
const newId = (): string => `id-${"0".repeat(8)}-${(ids += 1)}`;
const open = (): Promise<OutboxFile> =>
  openOutboxFile({ disk: createOutboxDisk(home.path("outbox")), newId, damagedAlert: () => anAlert() });

async function reopened(spoil: () => void): Promise<OutboxFile> {
  const before = await open();
  for (let count = 0; count < 3; count += 1) await before.append({ phase: "raised", alert: anAlert() });
  await before.close();
  spoil();
  return await open();
}
const SEGMENT = "outbox/000000000001.log";

describe("a spoiled outbox", () => {
  it.each<[string, () => void, number]>([
    ["a torn tail", () => appendFileSync(home.path(SEGMENT), '12345678 {"number":4'), 3],
    ["garbage at its end", () => appendFileSync(home.path(SEGMENT), Buffer.from([0, 255, 10, 13, 10, 0])), 3],
    ["a directory named like a segment", () => mkdirSync(home.path("outbox/000000000009.log")), 3],
    ["a FIFO named like a segment", () => execFileSync("mkfifo", [home.path("outbox/000000000009.log")]), 3],
    ["a device named like a segment", () => symlinkSync("/dev/zero", home.path("outbox/000000000009.log")), 3],
    ["a foreign id", () => writeFileSync(home.path("outbox/id"), "\0\0\0"), 3],
    ["a foreign position", () => writeFileSync(home.path("outbox/confirmed"), "NaN"), 3],
    [
      "a record from far ahead",
      () =>
        appendFileSync(
          home.path(SEGMENT),
          encodeRecord({ number: 9_000_000_000_000, id: "far", phase: "raised", alert: anAlert() }),
        ),
      3,
    ],
  ])("with %s keeps what was accepted and takes more", async (_, spoil, last) => {
    const outbox = await reopened(spoil);
    expect(outbox.last).toBe(last);
    expect((await outbox.append({ phase: "raised", alert: anAlert() })).number).toBe(last + 1);
    await outbox.close();
  });

  it("opens whatever bytes its files hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), async (log, name) => {
        for (const file of readdirSync(home.path("outbox"))) truncateSync(home.path("outbox", file), 0);
        writeFileSync(home.path(SEGMENT), log);
        writeFileSync(home.path("outbox/id"), name);
        writeFileSync(home.path("outbox/confirmed"), name);
        const outbox = await open();
        const { number } = await outbox.append({ phase: "raised", alert: anAlert() });
        expect(outbox.last).toBe(number);
        await outbox.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe("a state file", () => {
  it.each<[string, (path: string) => void]>([
    ["FIFO", (path) => execFileSync("mkfifo", [path])],
    ["directory", (path) => mkdirSync(path)],
    ["link to itself", (path) => symlinkSync(path, path)],
    ["link elsewhere", (path) => symlinkSync("/dev/null", path)],
  ])("is written although a %s has the name of its draft", async (_, make) => {
    make(home.path("state.json.new"));
    await writeDurably(home.path("state.json"), "{}");
    expect(await readIfThere(home.path("state.json"))).toBe("{}");
  });

  it("that is a FIFO is refused at once", async () => {
    execFileSync("mkfifo", [home.path("state.json")]);
    await expect(readIfThere(home.path("state.json"))).rejects.toThrow(/regular file/);
  });
});
