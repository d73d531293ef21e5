/** Whatever stands on the command line of the real program: one of six exit codes, no stack trace, and nothing is executed. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { runCli, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";

let place: TempHome;
beforeEach(async () => {
  place = await tempHome();
});
afterEach(() => place.remove());

const CANARY = "canary";
const NAMES = [
  `;$(touch ${CANARY})`,
  `--${CANARY}=$(touch ${CANARY})`,
  "\u001b[2J\u001b]0;owned\u0007",
  "x".repeat(100_000),
];
/** One of each kind; the one that launches programs in a home that is a file. The others: `packages/cli/test/argv-fuzz.test.ts`. */
const COMMANDS: readonly (readonly string[])[] = [
  ["status"],
  ["start"],
  ["apply"],
  ["workitem", "show"],
  ["--home", "a-file", "up", "--example"],
];
// oxlint-disable-next-line no-control-regex -- what a terminal obeys
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

it.each(COMMANDS.map((words) => ({ words, name: words.join(" ") })))(
  "castellan $name with hostile words ends in order and executes nothing",
  async ({ words }) => {
    writeFileSync(place.path("a-file"), "");
    const calls = NAMES.map((name) => runCli([...words, name], { cwd: place.dir, home: place.path("no-home") }));
    for (const [at, { code, stdout, stderr }] of (await Promise.all(calls)).entries()) {
      expect([0, 1, 2, 3, 4, 5], `${NAMES[at]?.slice(0, 80)}: ${stderr}`).toContain(code);
      expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
      expect(stderr).not.toMatch(OBEYED);
      if (code !== 0) expect(`${stdout}${stderr}`.trim()).not.toBe("");
    }
    expect(existsSync(place.path(CANARY))).toBe(false);
    expect(readdirSync(place.dir).filter((name) => name !== "a-file")).toEqual([]);
  },
);
