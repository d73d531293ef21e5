/** The schema of a node at work as one file, and a node that begins again from it. */
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { StatusReport, WorkItemReport } from "@castellan/protocol";
import { eventually, killAll, runCli, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

const Written = z.object({ node: z.string(), rows: z.int(), takenAt: z.iso.datetime(), schema: z.int() });

let node: TestNode;
let away: TempHome;
beforeEach(async () => {
  node = await makeNode({ types: ONE });
  away = await tempHome();
});
afterEach(async () => {
  try {
    await killAll(away.dir);
    await away.remove();
  } finally {
    await node.dispose();
  }
});

describe("castellan backup and restore", () => {
  it("copies a node under load into a file; a new home goes on from there, under an epoch of its own", async () => {
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const alerts = startLoad();
    await eventually(async () => ((await node.items())[0]?.occurrences ?? 0) > 1, { describe: "alerts are recorded" });
    const file = away.path("node.backup");
    const written = await node.json(Written, "backup", file);
    alerts.stop();
    expect(written).toMatchObject({ node: "castellan" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await node.json(z.array(z.object({ what: z.string() })), "audit")).toContainEqual({ what: "schema.backup" });
    const verified = await node.cli("backup", "--verify", file);
    expect(verified.code, said(verified)).toBe(0);
    expect(verified.stdout).toContain(`${written.rows} rows, whole`);
    const twice = await node.cli("backup", file);
    expect(twice.code, said(twice)).toBe(1);

    const running = await node.cli("restore", file, "--replace");
    expect(running.code, said(running)).toBe(1);
    expect(said(running)).toContain("castellan down");
    const before = await node.status();
    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);

    const home = away.path("home");
    const there = (...args: string[]) => runCli(args, { home, timeoutMs: 90_000 });
    expect((await there("init", "--files-only", home)).code).toBe(0);
    const restored = await there("restore", file);
    expect(restored.code, said(restored)).toBe(0);
    const report = StatusReport.parse(JSON.parse((await there("status", "--json")).stdout));
    expect(report.epoch).toBe((before.epoch ?? 0) + 1000);
    expect(report.servers.flatMap(({ processes }) => processes)).toMatchObject([{ type: "ONE", status: "RUNNING" }]);
    const items = z.array(WorkItemReport).parse(JSON.parse((await there("workitem", "list", "--json")).stdout));
    expect(items).toMatchObject([{ caseNumber: 1, kind: "error-file" }]);
    expect(items[0]?.occurrences).toBeLessThanOrEqual((await node.items())[0]?.occurrences ?? 0);

    const inUse = await there("restore", file);
    expect(inUse.code, said(inUse)).toBe(1);
    expect(said(inUse)).toContain("--replace");
    const goesOn = await there("up", "--detach");
    expect(goesOn.code, said(goesOn)).toBe(0);
    await eventually(
      async () => StatusReport.parse(JSON.parse((await there("status", "--json")).stdout)).state === "RUNNING",
      { withinMs: 90_000, describe: "the restored node runs" },
    );
    const over = await there("down");
    expect(over.code, said(over)).toBe(0);

    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    writeFileSync(file, bytes.with(middle, (bytes[middle] ?? 0) ^ 1));
    const spoilt = await there("restore", file, "--replace");
    expect(spoilt.code, said(spoilt)).toBe(1);
    expect(said(spoilt)).toContain("damaged");
    expect((await there("status")).code).toBe(0);
  });
});

const writeLine = (): void => appendFileSync(node.path("logs/sw_error"), `it broke at ${performance.now()}\n`);

/** A line in the error file, again and again. */
function startLoad(): { stop(): void } {
  const timer = setInterval(writeLine, 20);
  writeLine();
  return { stop: () => clearInterval(timer) };
}
