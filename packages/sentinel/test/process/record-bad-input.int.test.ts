/** What may lie in `run/processes`: what is no record of that instance is set aside, the others are read. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { silentLogger } from "@castellan/kernel";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toRecord } from "../../src/process/keeper-memory.ts";
import { initialState } from "../../src/process/keeper-state.ts";
import { createRecordStore } from "../../src/process/record.ts";

const GOOD = toRecord(initialState, {
  key: { type: "WEB", instance: 2 },
  since: new Date(0),
  logOffset: 7,
  definition: null,
});

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

describe("process records", () => {
  it.each<[string, (path: string) => void]>([
    ["empty", (path) => writeFileSync(path, "")],
    ["half of one", (path) => writeFileSync(path, '{"version":1,"type":"WEB"')],
    ["binary", (path) => writeFileSync(path, Buffer.alloc(1000, 0xfe))],
    ["of a newer version", (path) => writeFileSync(path, '{"version":2}')],
    ["nested deeply", (path) => writeFileSync(path, "[".repeat(200_000))],
    ["a FIFO", (path) => execFileSync("mkfifo", [path])],
    ["a directory", (path) => mkdirSync(path)],
    ["of another instance", (path) => writeFileSync(path, JSON.stringify(GOOD))],
    ["without an end", (path) => symlinkSync("/dev/zero", path)],
  ])("that are %s are set aside, and the others are read", async (_, make) => {
    mkdirSync(home.path("run/processes"), { recursive: true });
    make(home.path("run/processes/web_1.json"));
    writeFileSync(home.path("run/processes/web_2.json"), JSON.stringify(GOOD));
    const records = await createRecordStore(home.dir, silentLogger).load();
    expect(records.map(({ instance }) => instance)).toEqual([2]);
    expect(readdirSync(home.path("run/processes")).sort()).toEqual(["web_1.json.bad", "web_2.json"]);
  });
});
