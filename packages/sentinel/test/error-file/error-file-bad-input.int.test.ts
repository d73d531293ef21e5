/** Whatever lies in `logs/` under the name of an error file, however it is written to: told once, bounded, and the round ends. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHarness, type Harness } from "./harness.ts";

let harness: Harness;
beforeEach(async () => {
  harness = await createHarness();
});
afterEach(() => harness.home.remove());

const write = (name: string, text: string): void => writeFileSync(harness.path(name), text);

/** Until nothing more is told: a backlog, a wait for the rest of a line. */
async function lookUntilQuiet() {
  const told = await harness.look();
  for (let quiet = 0; quiet < 2; ) {
    harness.clock.advance(2000);
    const more = await harness.look();
    quiet = more.length === 0 ? quiet + 1 : 0;
    told.push(...more);
  }
  return told;
}
// oxlint-disable-next-line no-control-regex -- nothing that a terminal obeys
const OBEYED = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const ESCAPES = "\u001b]0;owned\u0007\u001b[2J\u001b[31mred\u202egnp.exe\u009b31m\r\nsecond\u0000line\n";

describe("what is no error file although it is named like one", () => {
  it("is told of once, by its reason, and neither read nor followed", async () => {
    execFileSync("mkfifo", [harness.path("sw_error_fifo")]);
    mkdirSync(harness.path("sw_error_directory"));
    symlinkSync("/dev/zero", harness.path("sw_error_zero"));
    symlinkSync("/etc/passwd", harness.path("sw_error_away"));
    symlinkSync("sw_error_loop", harness.path("sw_error_loop"));
    symlinkSync("../../logs", harness.path("sw_error_up"));
    writeFileSync(Buffer.concat([Buffer.from(harness.path("sw_error_")), Buffer.from([0xff, 0xfe])]), "x\n");
    const server = createServer().listen(harness.path("sw_error_socket"));
    write("sw_error", "one\n");
    try {
      const told = await lookUntilQuiet();
      const refused = told.filter(({ alert }) => alert.kind === "warn-file").map(({ alert }) => alert.summary);
      expect(refused).toHaveLength(7);
      for (const summary of refused) expect(summary).toMatch(/is not read$/);
      expect(refused.join("\n")).toMatch(/not UTF-8/);
      expect(told.filter(({ alert }) => alert.kind === "error-file")).toHaveLength(1);
      expect(JSON.stringify(told)).not.toContain("root:");
    } finally {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});

describe("an odd error file", () => {
  it.each([
    "sw_error\nsecond line",
    "sw_error\u001b[2Jx",
    "sw_error\u202egnp",
    `sw_error_${"x".repeat(240)}`,
    "sw_error_$(touch x);`y`",
    "sw_error_-rf --",
    "sw_error_*?[a]{b,c}!(d)\\",
  ])("named %j is one item, and its name disturbs no terminal", async (name) => {
    write(name, "one\n");
    const told = await lookUntilQuiet();
    expect(told).toHaveLength(1);
    expect(told[0]?.alert.subject).toBe(harness.path(name));
    expect(told[0]?.alert.summary).not.toMatch(OBEYED);
  });

  it("with escape sequences in it shows them as such", async () => {
    write("sw_error", ESCAPES);
    const [first] = await lookUntilQuiet();
    expect(first?.alert.summary).not.toMatch(OBEYED);
    expect(first?.alert.details["firstLine"]).not.toMatch(OBEYED);
    for (const line of String(first?.alert.details["lastLines"]).split(",")) expect(line).not.toMatch(OBEYED);
  });

  it("of a terabyte with holes is read at both ends", async () => {
    write("sw_error", "begins\n");
    truncateSync(harness.path("sw_error"), 1024 ** 4);
    appendFileSync(harness.path("sw_error"), "\nends\n");
    const [first, ...more] = await lookUntilQuiet();
    expect(first?.alert.summary).toContain("begins");
    expect(first?.alert.details["lastLines"]).toContain("ends");
    expect(more).toEqual([]);
  });

  it("with two names by a hard link is one cause", async () => {
    write("sw_error_a", "one\n");
    linkSync(harness.path("sw_error_a"), harness.path("sw_error_b"));
    const told = await lookUntilQuiet();
    expect(new Set(told.map(({ alert }) => alert.cause)).size).toBe(1);
    expect(told).toHaveLength(1);
  });

  it("that vanishes, shrinks or becomes something else between two looks stops nobody", async () => {
    const name = fc.constantFrom("sw_error", "sw_error_b", "sw_warn");
    const act = fc.tuple(
      name,
      fc.constantFrom("write", "append", "vanish", "empty", "fifo", "directory", "link", "look", "unreadable"),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        for (const [file, what] of acts) {
          const path = harness.path(file);
          // While a round reads.
          const looking = harness.look();
          if (what !== "append" && what !== "empty") rmSync(path, { recursive: true, force: true });
          if (what === "write") writeFileSync(path, `${"x".repeat(100)}\n`);
          if (what === "fifo") execFileSync("mkfifo", [path]);
          if (what === "directory") mkdirSync(path);
          if (what === "link") symlinkSync("/dev/zero", path);
          if (what === "unreadable") {
            writeFileSync(path, "x\n");
            chmodSync(path, 0);
          }
          if (what === "append" || what === "empty") touchIfFile(path, what);
          await looking;
        }
        await harness.look();
        for (const file of ["sw_error", "sw_error_b", "sw_warn"])
          rmSync(harness.path(file), { recursive: true, force: true });
        write("sw_error_new", "it goes on\n");
        const told = await lookUntilQuiet();
        expect(told.some(({ alert }) => alert.summary.includes("it goes on"))).toBe(true);
        unlinkSync(harness.path("sw_error_new"));
        await lookUntilQuiet();
      }),
      {
        numRuns: 15,
        examples: [
          [
            [
              ["sw_error", "link"],
              ["sw_error", "fifo"],
              ["sw_error", "append"],
            ],
          ],
        ],
      },
    );
  });
});

function touchIfFile(path: string, what: "append" | "empty"): void {
  try {
    execFileSync("sh", [
      "-c",
      `[ -f "$1" ] && [ ! -p "$1" ] && ${what === "append" ? 'echo more >> "$1"' : ': > "$1"'} || true`,
      "sh",
      path,
    ]);
  } catch {
    return; // it is something else by now
  }
}

describe("too many error files", () => {
  it("are told of by one item, which ends when they are put away; archives are not counted", async () => {
    for (let index = 0; index < 1200; index += 1) {
      write(`sw_error2012${String(1000 + index).slice(-4)}.log`, "");
    }
    write("sw_warn", "late in the alphabet\n");
    const told = await lookUntilQuiet();
    expect(told.map(({ alert }) => alert.summary)).toEqual([expect.stringContaining("late in the alphabet")]);

    for (let index = 0; index < 1100; index += 1) write(`sw_error_x${index}`, "x\n");
    const many = await lookUntilQuiet();
    expect(many.filter(({ alert }) => alert.summary.includes("more than 1000 error files"))).toHaveLength(1);
    for (let index = 0; index < 200; index += 1) rmSync(harness.path(`sw_error_x${index}`));
    const after = await lookUntilQuiet();
    expect(after.filter(({ phase }) => phase === "resolved").map(({ alert }) => alert.subject)).toEqual([
      harness.path("").replace(/\/$/, ""),
    ]);
  });
});
