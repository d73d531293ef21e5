/** A release that cannot work on a host, or does not come up there: what runs goes on, and what to do is said. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cliPath, eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lives, said } from "../harness/node.ts";
import { makeOldNode, type OldNode } from "../harness/old-node.ts";
import { missing } from "../harness/releases.ts";
import { LAYERS } from "../harness/types.ts";

const why = missing("0.1.0");
let node: OldNode;
let before: Record<string, number | null>;
beforeEach(async () => {
  node = await makeOldNode({ types: LAYERS });
  before = await node.pids();
  expect(Object.keys(before)).toHaveLength(4);
});
afterEach(() => node.dispose());

/** Today's program, but for its workers. */
function programWith(worker: string): string {
  const file = join(node.dir, "..", "broken.mjs");
  const rest = `await import(${JSON.stringify(pathToFileURL(cliPath).href)});`;
  writeFileSync(file, `if (process.argv[2] === "worker") { ${worker} }\n${rest}\n`);
  return file;
}

const watcher = (): number => JSON.parse(readFileSync(join(node.dir, "run", "watcher.json"), "utf8")).pid;

describe.skipIf(why !== null)(`a single server of release 0.1.0${why === null ? "" : ` (not run: ${why})`}`, () => {
  it("is left as it is by a release that cannot work there, which says why", async () => {
    const old = watcher();
    const file = programWith(`console.error("castellan: libodd.so.1 is missing"); process.exit(1);`);
    const refused = await node.by(file, "upgrade", "--yes", "--json");
    expect(refused.code, said(refused)).toBe(1);
    const { error } = JSON.parse(refused.stdout);
    expect(error).toMatchObject({ code: "PROGRAM_FAILED", details: { entry: file, reason: "libodd.so.1 is missing" } });
    expect(error.message).toContain("the sentinel that runs goes on");
    expect(watcher()).toBe(old);
    expect((await node.old("status")).code).toBe(0);

    // Two that call at once are one exchange, and one record of it.
    const both = await Promise.all([node.now("upgrade", "--json"), node.now("upgrade", "--json")]);
    for (const one of both) expect(one.code, said(one)).toBe(0);
    await node.awaitRunning();
    expect(await node.pids()).toEqual(before);
    const records = JSON.parse((await node.must("audit", "--json")).stdout);
    expect(records.filter(({ what }: { what: string }) => what === "server.upgrade")).toHaveLength(1);
  });

  it("runs on under a release that does not come up, and goes back to the old one as the error says", async () => {
    const file = programWith(`if (!process.argv.includes("--rehearse")) process.exit(1);`);
    const failed = await node.by(file, "upgrade", "--yes", "--json", "--timeout", "30");
    expect(failed.code, said(failed)).toBe(1);
    const { error } = JSON.parse(failed.stdout);
    expect(error).toMatchObject({ code: "NOT_EXCHANGED", message: expect.stringContaining("its processes run on") });
    const pid = Number(/`kill (\d+)`/.exec(error.message)?.[1]);
    expect(pid).toBe(watcher());

    process.kill(pid, "SIGTERM");
    await eventually(() => !lives(pid), { withinMs: 90_000, describe: "the watcher has ended" });
    const back = await node.old("up", "--detach");
    expect(back.code, said(back)).toBe(0);
    expect(watcher()).not.toBe(pid);
    expect(await node.pids()).toEqual(before);
    await node.must("upgrade");
    await node.awaitRunning();
    expect(await node.pids()).toEqual(before);
  });
});
