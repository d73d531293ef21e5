/** Whatever stands on the command line: an exit code of the six, one complaint that a terminal survives, no stack trace. */
import { CastellanError } from "@castellan/kernel";
import type { Command } from "commander";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { reportFailure } from "../src/failure.ts";
import { createProgram } from "../src/program.ts";
import { fakeIo, type Node, oneServer } from "./fixture.ts";

/** They launch programs or write homes: `test/acceptance/bad-input.test.ts` calls them for real. */
const ELSEWHERE = new Set(["up", "down", "init", "doctor", "worker", "watcher"]);

interface Known {
  readonly words: readonly string[];
  readonly options: readonly string[];
}

function commandsOf(command: Command, words: readonly string[] = []): Known[] {
  const options = command.options.map(({ long, short }) => long ?? short ?? "");
  const own = words.length > 0 ? [{ words, options }] : [];
  return [...own, ...command.commands.flatMap((sub) => commandsOf(sub, [...words, sub.name()]))];
}
const COMMANDS = commandsOf(createProgram(fakeIo(), () => Promise.resolve())).filter(
  // An export would be written wherever the words say.
  ({ words }) => !ELSEWHERE.has(words[0] ?? "") && words.join(" ") !== "config export",
);

/** Without U+0000, which no argument of a program can hold. */
const HOSTILE = [
  "",
  "-",
  "--",
  "---",
  "-x",
  "--nope",
  "--nope=1",
  "--home",
  "--json",
  "--timeout=0",
  "-T",
  "1e999",
  "-1",
  "0",
  "NaN",
  "99999999999999999999",
  ";$(touch canary)",
  "`touch canary`",
  "| sh",
  "../../etc/passwd",
  "%s%n",
  "{type}",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "\u001b[2J\u001b]0;owned\u0007",
  "\u202egnp.exe",
  "\n\n",
  "\t",
  "\ud800",
  "💥",
  "ſ",
  "hades",
  "WEB",
  "1",
  "x".repeat(1024 * 1024),
];
// oxlint-disable-next-line no-control-regex -- what a terminal obeys
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

let node: Node;
beforeAll(async () => {
  node = await oneServer((subject) =>
    subject.includes(".cmd.") ? '{"error":{"code":"NO","message":"no","retryable":false,"details":{}}}' : "{}",
  );
});

async function survives(args: readonly string[]): Promise<void> {
  const io = fakeIo({ interrupted: AbortSignal.abort() });
  const { code, stdout, stderr } = await node.castellan(args, io);
  expect([0, 1, 2, 3, 4, 5]).toContain(code);
  expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
  expect(stderr.length).toBeLessThan(20_000);
  if (stderr.includes("castellan: ")) expect(stderr).not.toMatch(OBEYED);
  if (code !== 0) expect(`${stdout}${stderr}`.trim()).not.toBe("");
  if (code !== 0 && args.includes("--json") && stdout !== "") {
    // `cert show` answers with what is wrong, once `cert init --days 1` has been here.
    const { error, problems } = JSON.parse(stdout);
    expect(error ?? problems?.[0]).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  }
}

describe.each(COMMANDS.map((known) => ({ ...known, name: known.words.join(" ") })))(
  "castellan $name",
  ({ words, options }) => {
    it("survives whatever follows it", async () => {
      const word = fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
        { weight: 2, arbitrary: fc.constantFrom("--json", ...options) },
        fc.string(),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (more) => {
          await survives([...words, ...more]);
        }),
        { numRuns: 30, examples: [[[]], [["--json"]], [["--", "--json"]], [["\ud800", "--json"]], [["--days", "1"]]] },
      );
    });
  },
);

describe("castellan", () => {
  it("survives whatever its first words are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string()), { maxLength: 5 }), async (args) => {
        const isElsewhere = args.some((word) => ELSEWHERE.has(word));
        if (!isElsewhere) await survives(args);
      }),
      { numRuns: 200 },
    );
  });

  it("has a complaint about anything cut, and on lines of its own", () => {
    const io = fakeIo();
    reportFailure(
      new CastellanError("USAGE", `"${"x".repeat(1_000_000)}\u001b[2J" is nothing\nsecond \u009b31m`),
      io,
      false,
    );
    expect(io.stderr().length).toBeLessThan(2000);
    expect(io.stderr()).not.toMatch(OBEYED);
  });
});
