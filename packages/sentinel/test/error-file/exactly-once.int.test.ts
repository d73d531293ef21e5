/**
 * Random histories of an error file and of the watch over it (append, rename, delete, empty, crash before or after the
 * outbox has taken an alert) against one rule: every line is counted once, under the cause of the file it was written to.
 * A failing history is printed with its seed: put it into `fc.assert(..., { seed, path })` to see it again.
 */
import { appendFile, mkdir, rename, truncate, unlink } from "node:fs/promises";
import { basename } from "node:path";
import { silentLogger } from "@castellan/kernel";
import type { Alert, AlertPhase } from "@castellan/protocol";
import { type TempHome, tempHome } from "@castellan/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createErrorFileRound } from "../../src/error-file/error-file-round.ts";
import { DEFAULT_PATTERNS } from "../../src/error-file/names.ts";
import { stepClock } from "./harness.ts";

type Step =
  | { readonly do: "append"; readonly lines: number }
  | { readonly do: "look" | "restart" | "rename" | "delete" | "empty" | "crash-before" | "crash-after" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("append" as const), lines: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.constant({ do: "look" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("restart", "rename", "delete", "empty", "crash-before", "crash-after"),
    }),
  },
);

/** An outbox that remembers the keys it has taken, and dies when it is told to. */
function dyingOutbox() {
  const taken = new Map<unknown, { phase: AlertPhase; alert: Alert }>();
  let dies: "before" | "after" | null = null;
  return {
    taken,
    dieAt: (when: typeof dies) => {
      dies = when;
    },
    report: async (phase: AlertPhase, alert: Alert): Promise<void> => {
      const when = dies;
      dies = null;
      if (when === "before") throw new Error("killed");
      const key = alert.details["dedupKey"];
      if (!taken.has(key)) taken.set(key, { phase, alert });
      if (when === "after") throw new Error("killed");
    },
  };
}

async function run(steps: readonly Step[], home: TempHome): Promise<void> {
  const outbox = dyingOutbox();
  const clock = stepClock();
  const start = () =>
    createErrorFileRound(
      {
        identity: { server: "hades", home: home.dir },
        alerts: outbox,
        enabled: () => true,
        patterns: () => DEFAULT_PATTERNS,
      },
      clock,
      silentLogger,
    );
  const file = home.path("logs", "sw_error");
  let look = start();
  let written = 0;
  let archives = 0;
  let isThere = false;
  let isSeen = false;
  /** Lines by the file they were written to: what each cause must add up to. */
  const files: number[] = [];
  const settle = async (): Promise<void> => {
    await look();
    await look();
  };
  for (const { do: what, ...more } of steps) {
    if (what === "append" && "lines" in more) {
      if (!isThere) {
        files.push(0);
        isSeen = false;
      }
      isThere = true;
      const text = Array.from({ length: more.lines }, (_, n) => `line ${written + n}\n`).join("");
      await appendFile(file, text);
      written += more.lines;
      files.push((files.pop() ?? 0) + more.lines);
    } else if (what === "restart") look = start();
    else if (what === "crash-before" || what === "crash-after") {
      outbox.dieAt(what === "crash-before" ? "before" : "after");
      await look().catch(() => undefined);
      outbox.dieAt(null);
      look = start();
    } else if (what === "rename" && isThere) {
      // Renamed before anybody has seen it, it would never have been an error file of today.
      if (!isSeen) await look();
      archives += 1;
      await rename(file, home.path("logs", `sw_error.${archives}`));
      isThere = false;
    } else if (what === "delete" && isThere) {
      await settle(); // what nobody has seen dies with the file
      await unlink(file);
      isThere = false;
    } else if (what === "empty" && isThere) {
      await settle();
      await truncate(file, 0);
      await look(); // an emptied file that is at once as long as before, with the same beginning, looks unchanged
      isThere = false;
    } else if (what === "look") await look();
    if (what !== "append" && what !== "restart") isSeen = true;
  }
  await settle();

  const byCause = new Map<string, number>();
  for (const { phase, alert } of outbox.taken.values()) {
    expect(phase).toBe(byCause.has(alert.cause) ? "repeated" : "raised");
    expect(basename(alert.subject)).toBe("sw_error");
    byCause.set(alert.cause, (byCause.get(alert.cause) ?? 0) + Number(alert.details["count"]));
  }
  expect([...byCause.values()]).toEqual(files);
}

test("every line is told once, under the right cause, whatever happens to the file and to the watch", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const home = await tempHome();
      try {
        await mkdir(home.path("logs"));
        await run(steps, home);
      } finally {
        await home.remove();
      }
    }),
    { numRuns: 60 },
  );
});
