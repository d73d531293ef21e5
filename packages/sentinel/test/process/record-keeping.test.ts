import { createManualClock } from "@castellan/actor/testing";
import { silentLogger } from "@castellan/kernel";
import { expect, test } from "vitest";
import { toRecord } from "../../src/process/keeper-memory.ts";
import { initialState } from "../../src/process/keeper-state.ts";
import type { RecordStore } from "../../src/process/record.ts";
import { createRecordKeeping } from "../../src/process/record-keeping.ts";

const record = toRecord(
  { ...initialState, wish: "RUNNING", launchId: "a", phase: { at: "launching" } },
  { key: { type: "WIS", instance: 1 }, since: null, logOffset: 0, definition: null },
);

const nothing = (): void => undefined;

function rig() {
  const clock = createManualClock();
  let written = nothing;
  const records: RecordStore = {
    load: async () => [],
    get: () => null,
    learn: () => undefined,
    remove: async () => undefined,
    put: () =>
      new Promise((resolve) => {
        written = resolve;
      }),
  };
  const timers = { once: () => undefined, every: () => undefined, cancel: () => undefined, has: () => false };
  const keeping = createRecordKeeping(records, { clock, log: silentLogger, timers }, () => record);
  return { clock, keeping, written: () => written() };
}

test("a disk that does not answer is said not to, after a while", async () => {
  const { clock, keeping } = rig();
  const intent = keeping.intend("a");
  await clock.run(5000);
  expect(await intent).toBe("the disk does not answer");
});

test("an answer that could not be heard while the program was held up is heard", async () => {
  const { clock, keeping, written } = rig();
  const intent = keeping.intend("a");
  clock.advance(60_000);
  written();
  expect(await intent).toBeNull();
  expect(await keeping.intend("a")).toBeNull();
});
