import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { silentLogger } from "@castellan/kernel";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toRecord } from "../../src/process/keeper-memory.ts";
import { initialState } from "../../src/process/keeper-state.ts";
import { createRecordStore, type ProcessRecord } from "../../src/process/record.ts";

const key = { type: "WIS", instance: 3 };
const record = (comment: string): ProcessRecord => ({
  ...toRecord(initialState, { key, since: new Date(0), logOffset: 7, definition: null }),
  comment,
});

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
  await mkdir(home.path("run"));
});
afterEach(async () => {
  await home.remove();
});

describe("process records", () => {
  test("what was put is there for the next worker, the last of many", async () => {
    const store = createRecordStore(home.dir, silentLogger);
    expect(await store.load()).toEqual([]);
    await Promise.all(Array.from({ length: 50 }, (_, number) => store.put(record(`${number}`))));
    expect(await createRecordStore(home.dir, silentLogger).load()).toEqual([record("49")]);
    expect(await readdir(home.path("run", "processes"))).toEqual(["wis_3.json"]);
  });

  test("a removed record does not come back, even when a write was on its way", async () => {
    const store = createRecordStore(home.dir, silentLogger);
    await store.load();
    const writes = [store.put(record("a")), store.put(record("b"))];
    await Promise.all([...writes, store.remove(key), store.remove(key)]);
    expect(await createRecordStore(home.dir, silentLogger).load()).toEqual([]);
    await Promise.all([store.put(record("c")), store.put(record("d")), store.remove(key), store.put(record("e"))]);
    expect(await createRecordStore(home.dir, silentLogger).load()).toEqual([record("e")]);
  });

  test.each(["", "{", '{"version":2}', "null"])(
    "a record that reads %j is set aside, the others are read",
    async (text) => {
      const store = createRecordStore(home.dir, silentLogger);
      await store.load();
      await store.put(record("good"));
      await writeFile(home.path("run", "processes", "bg_1.json"), text);
      await writeFile(home.path("run", "processes", "notes.txt"), "not ours");
      expect(await createRecordStore(home.dir, silentLogger).load()).toEqual([record("good")]);
      expect(await readFile(home.path("run", "processes", "bg_1.json.bad"), "utf8")).toBe(text);
    },
  );

  test("a disk that refuses is told, memory has it, and the next put may succeed", async () => {
    const store = createRecordStore(home.dir, silentLogger);
    await store.load();
    await rm(home.path("run", "processes"), { recursive: true });
    await expect(store.put(record("a"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(store.get(key)).toEqual(record("a"));
    await mkdir(home.path("run", "processes"));
    await store.put(record("b"));
    expect(await createRecordStore(home.dir, silentLogger).load()).toEqual([record("b")]);
  });
});
