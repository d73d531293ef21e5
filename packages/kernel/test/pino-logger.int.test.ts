import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPinoLogger } from "../src/pino-logger.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "castellan-log-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const numbers = (file: string): number[] =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => Number(/"number":(\d+)/.exec(line)?.[1]));

describe("a log in a file", () => {
  it("is put aside when it is full, loses no line of the last two files, and stays below its bound", () => {
    const file = join(directory, "worker.log");
    const maxBytes = 20_000;
    const log = createPinoLogger({ file, maxBytes });
    for (let number = 1; number <= 1000; number += 1) log.info("something has happened", { number });
    const lines = [...numbers(`${file}.1`), ...numbers(file)];
    const first = lines[0] ?? 0;
    expect(first).toBeGreaterThan(1);
    expect(lines).toEqual(Array.from({ length: 1000 - first + 1 }, (_, at) => first + at));
    for (const name of [file, `${file}.1`]) expect(statSync(name).size).toBeLessThan(maxBytes + 500);
  });

  it("goes on in a file that an earlier program has filled", () => {
    const file = join(directory, "worker.log");
    const early = createPinoLogger({ file, maxBytes: 1_000_000 });
    for (let number = 1; number <= 300; number += 1) early.info("something has happened", { number });
    const late = createPinoLogger({ file, maxBytes: 10_000 });
    late.info("one more", { number: 301 });
    late.info("and one", { number: 302 });
    expect(numbers(`${file}.1`).at(-1)).toBe(301);
    expect(numbers(file)).toEqual([302]);
  });
});
