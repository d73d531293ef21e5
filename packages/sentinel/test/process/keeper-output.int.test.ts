import { readdir, readFile } from "node:fs/promises";
import { eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServerKit } from "./server-kit.ts";

const node = process.execPath;
let kit: ServerKit;
beforeEach(async () => {
  kit = await ServerKit.create();
});
afterEach(() => kit.dispose());

const COUNTING = "console.log('one\\ntwo\\nthree'); setInterval(() => {}, 1e6)";
const decode = (data: string): string => Buffer.from(data, "base64").toString();

async function dumps(): Promise<string[]> {
  return (await readdir(kit.home.path("logs"))).filter((name) => name.endsWith(".dmp")).toSorted();
}

describe("ReadOutput", () => {
  test("answers the last lines, then what follows; refuses when there is nothing, and a made-up bookmark", async () => {
    await kit.define("WIS", 1, { command: [node, "-e", COUNTING], ready: { logLine: "three", timeout: "20s" } });
    const worker = await kit.worker();
    const keeper = await worker.keeper("WIS", 1);
    const read = (from: string | null, lines = 2) =>
      keeper.ask<"ReadOutput">({ type: "ReadOutput", from, lines }, { timeoutMs: 30_000 });
    await expect(read(null)).rejects.toMatchObject({ code: "NO_OUTPUT" });
    await worker.bring("WIS", 1, "RUNNING");
    const first = await read(null);
    expect(decode(first.data)).toBe("two\nthree\n");
    expect(first).toMatchObject({ isTorn: false, hasMore: false });
    expect(decode((await read(first.next)).data)).toBe("");
    await worker.bring("WIS", 1, "RESTARTED");
    const second = await read(first.next);
    expect(decode(second.data)).toBe("one\ntwo\nthree\n");
    for (const made of ["", "x", "12", "5:AAAAAAAAAAAA", "../../etc/passwd", "-1:"]) {
      await expect(read(made), made).rejects.toMatchObject({ code: "BAD_BOOKMARK" });
    }
  });
});

describe("dumps", () => {
  test("the last output of what dies is put away with its state; the latest ten are kept", async () => {
    await kit.attribute("PROCESS_MAX_RESTARTS", "0");
    await kit.define("WIS", 1, { command: [node, "-e", "console.log('last words'); process.exit(3)"] });
    const worker = await kit.worker();
    void worker.bring("WIS", 1, "RUNNING").catch(() => undefined);
    const first = await eventually(async () => (await dumps())[0] ?? null, { withinMs: 30_000, describe: "a dump" });
    expect(first).toMatch(/^WIS_\d{8}-\d{6}\.\d{3}_\d+\.dmp$/);
    const text = await readFile(kit.home.path("logs", first), "utf8");
    expect(text).toMatch(/^process: WIS 1\npid: \d+\ntime: .+\nstatus: .+\ncomment: exit code 3\n/);
    expect(text.split("\n\n")[1]).toMatch(/^last words\n/);
    await worker.bring("WIS", 1, "STOPPED");
    const keeper = await worker.keeper("WIS", 1);
    const files: string[] = [];
    for (let count = 0; count < 15; count += 1) {
      files.push((await keeper.ask<"DumpLog">({ type: "DumpLog", by: "test" }, { timeoutMs: 30_000 })).file);
    }
    const left = await dumps();
    expect(left).toHaveLength(10);
    expect(files.at(-1)).toBe(kit.home.path("logs", left.at(-1) ?? ""));
  });

  test("PROCESS_AUTO_DUMPLOG = 0: nothing is put away", async () => {
    await kit.attribute("PROCESS_AUTO_DUMPLOG", "0");
    await kit.attribute("PROCESS_AUTO_RESTARTS", "0");
    await kit.define("WIS", 1, { command: [node, "-e", "console.log('last words'); process.exit(3)"] });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING").catch(() => undefined);
    await worker.until("WIS", 1, "SUSPENDED");
    expect(await dumps()).toEqual([]);
  });
});
