/** Over a real directory: what is open must be known again by the next worker. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createManualClock } from "@castellan/actor/testing";
import { silentLogger } from "@castellan/kernel";
import { Alert, type AlertPhase } from "@castellan/protocol";
import { eventually, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createReassertion, type ReassertingSink } from "../../src/outbox/reassertion.ts";
import { anAlert } from "./alerts.ts";

let home: TempHome;
const made: ReassertingSink[] = [];
beforeEach(async () => {
  home = await tempHome();
});
afterEach(async () => {
  for (const one of made.splice(0)) one.close();
  await home.remove();
});

function world(accept: (phase: AlertPhase, alert: Alert) => Promise<void> = async () => undefined) {
  const told: string[] = [];
  const alerts: Alert[] = [];
  const clock = createManualClock();
  const reassertion = createReassertion({
    sink: {
      async report(phase, alert) {
        await accept(phase, alert);
        told.push(`${phase} ${alert.cause}`);
        alerts.push(alert);
      },
    },
    path: home.path("open-causes.json"),
    clock,
    log: silentLogger,
  });
  made.push(reassertion);
  return { reassertion, told, alerts, clock };
}

const OpenCauses = z.object({ open: z.array(Alert) });
const disk = (cause: string, details: Record<string, unknown> = {}) => anAlert({ kind: "disk", cause, details });
const onFile = (): string[] => {
  const { open } = OpenCauses.parse(JSON.parse(readFileSync(home.path("open-causes.json"), "utf8")));
  return open.map(({ cause }) => cause);
};
const settles = (told: readonly string[], expected: readonly string[]) =>
  eventually(() => expect(told).toEqual(expected), { withinMs: 30_000 });

describe("reassertion", () => {
  it("tells what is open every 15 minutes, as nothing new, until it is resolved", async () => {
    const { alerts, clock, reassertion, told } = world();
    await reassertion.report("raised", disk("a", { dedupKey: "a#1", count: 3, free: 7 }));
    await reassertion.report("raised", disk("b"));
    await clock.run(14 * 60_000);
    expect(told).toEqual(["raised a", "raised b"]);
    await clock.run(60_000);
    await settles(told, ["raised a", "raised b", "repeated a", "repeated b"]);
    expect(alerts[2]?.details).toEqual({ free: 7, reasserted: true });
    await reassertion.report("resolved", disk("a"));
    await clock.run(15 * 60_000);
    await settles(told, ["raised a", "raised b", "repeated a", "repeated b", "resolved a", "repeated b"]);
  });

  it("leaves error files out: they never end by themselves", async () => {
    const { reassertion, told, clock } = world();
    await reassertion.report("raised", anAlert({ kind: "error-file" }));
    await reassertion.report("raised", anAlert({ kind: "warn-file" }));
    reassertion.reassert();
    await clock.run(16 * 60_000);
    expect(told.filter((text) => text.startsWith("repeated"))).toEqual([]);
  });

  it("is known to the next worker, and told to a new desk at once", async () => {
    const first = world();
    await Promise.all(["a", "b", "c"].map((cause) => first.reassertion.report("raised", disk(cause))));
    await first.reassertion.report("resolved", disk("b"));
    expect(onFile()).toEqual(["a", "c"]);
    const { reassertion, told } = world();
    reassertion.reassert();
    await settles(told, ["repeated a", "repeated c"]);
  });

  it("is out of the file before the end is told, and in it only after the beginning was", async () => {
    const seen: [AlertPhase, string[]][] = [];
    const { reassertion } = world(async (phase) => {
      seen.push([
        phase,
        await Promise.resolve()
          .then(onFile)
          .catch(() => []),
      ]);
    });
    await reassertion.report("raised", disk("a"));
    expect(onFile()).toEqual(["a"]);
    await reassertion.report("resolved", disk("a"));
    expect(seen).toEqual([
      ["raised", []],
      ["resolved", []],
    ]);
  });

  it("keeps the order of a cause: nothing is said again after its end", async () => {
    let refuse = true;
    const { reassertion, told } = world(async () => {
      if (refuse) await eventually(() => !refuse, { withinMs: 30_000, everyMs: 5 });
    });
    const all = [reassertion.report("raised", disk("a"))];
    reassertion.reassert();
    all.push(reassertion.report("resolved", disk("a")));
    reassertion.reassert();
    refuse = false;
    await Promise.all(all);
    reassertion.reassert();
    expect(told).toEqual(["raised a", "resolved a"]);
  });

  it("goes on when the disk refuses the file, or the file is damaged", async () => {
    writeFileSync(home.path("open-causes.json"), '{"version":1,"open":[{"kind":"dis');
    const { reassertion, told } = world();
    await reassertion.report("raised", disk("a"));
    expect(onFile()).toEqual(["a"]);
    rmSync(home.path("open-causes.json"));
    mkdirSync(home.path("open-causes.json/in-the-way"), { recursive: true });
    await reassertion.report("raised", disk("b"));
    reassertion.reassert();
    await settles(told, ["raised a", "raised b", "repeated a", "repeated b"]);
  });
});
