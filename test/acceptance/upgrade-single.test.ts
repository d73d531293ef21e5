/** A node of one server, made and run by release 0.1.0, is upgraded while its processes run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { insert } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { said } from "../harness/node.ts";
import { makeOldNode, type OldNode } from "../harness/old-node.ts";
import { missing } from "../harness/releases.ts";
import { LAYERS } from "../harness/types.ts";

const why = missing("0.1.0");
const KILLED = 128 + 9;
const MIGRATION_STEPS = 2;
let node: OldNode | null = null;
afterEach(async () => {
  await node?.dispose();
  node = null;
});

/** As `castellan backup` of a release that has it leaves it behind. */
async function recordBackup(file: string): Promise<void> {
  const clock = createSystemClock();
  const options = { url: `sqlite:${file}`, clock, rng: systemRng, logger: silentLogger } as const;
  const gateway = await openGateway({ ...options, migrate: "asItIs", evenIfMoved: true });
  try {
    const happened_at = clock.now();
    const details = JSON.stringify({ file: "/backup/ips1", takenAt: happened_at.toISOString(), schema: 1 });
    const what = "schema.backup";
    await gateway.commit([
      insert("audit_log", {
        id: "backup-1",
        happened_at,
        by_user: "ann",
        station: "here",
        command: null,
        what,
        details,
      }),
    ]);
  } finally {
    await gateway.close();
  }
}

describe.skipIf(why !== null)(`a single server of release 0.1.0${why === null ? "" : ` (not run: ${why})`}`, () => {
  it("is upgraded by one command, though it is killed in the middle; no process is restarted", async () => {
    node = await makeOldNode({ types: LAYERS });
    const before = await node.pids();
    expect(Object.keys(before)).toHaveLength(4);

    // The wrong order: today's programs on a schema that is not migrated.
    for (const command of [["status"], ["up", "--detach"]]) {
      const refused = await node.now(...command);
      expect(refused.code, command.join(" ")).toBe(1);
      expect(said(refused)).toContain("run `castellan upgrade` on the master's server");
    }
    const unsaid = await node.now("upgrade", "--json");
    expect(unsaid.code).toBe(1);
    expect(JSON.parse(unsaid.stdout)).toMatchObject({ error: { code: "BACKUP_FIRST" } });
    expect(unsaid.stderr).toMatch(/none is on record[^]*sqlite3 .*\.backup/);
    const planned = JSON.parse((await node.must("upgrade", "--dry-run", "--json")).stdout);
    expect(planned).toMatchObject({
      program: "0.2.0",
      schema: { found: 1, fit: "older" },
      elsewhere: [],
      waiting: null,
    });
    expect(planned.steps.map((step: { do: string }) => step.do)).toEqual(["migrate", "replace"]);

    // kill -9 of the migration, before and after each of its commits: the old programs know nothing of it.
    const kept = await node.pids();
    const fits: string[] = [];
    await recordBackup(join(node.dir, "..", "node.db"));
    for (let step = 1; step <= MIGRATION_STEPS; step += 1) {
      const killed = await node.killedAt(step, "upgrade");
      expect(killed.code, said(killed)).toBe(KILLED);
      expect((await node.old("status")).code, `step ${step}`).toBe(0);
      fits.push(JSON.parse((await node.must("upgrade", "--dry-run", "--json")).stdout).schema.fit);
    }
    expect(fits).toEqual(["older", "same"]);
    expect(await node.pids()).toEqual(kept);

    const mark = join(node.dir, "run", "upgrading");
    await node.killed(() => existsSync(mark), "upgrade", "--yes");
    // Whoever exchanges the pair is not whoever has asked for it: it is done all the same.
    const whole = node;
    await eventually(async () => expect(Object.values(await whole.programs())).toEqual(["0.2.0"]), {
      withinMs: 120_000,
      describe: "the sentinel of the new release works",
    });
    // The schema is migrated: the release before goes on with it.
    expect((await node.old("status")).code).toBe(0);
    expect(JSON.parse((await node.must("upgrade", "--json")).stdout)).toMatchObject({ complete: true, elsewhere: [] });
    await node.awaitRunning();
    expect(await node.pids()).toEqual(before);
    expect(existsSync(mark)).toBe(false);

    // What is typed into the old program is understood by the new sentinel.
    const server = Object.keys(await node.programs())[0] ?? "";
    expect((await node.old("restart", server, "TOP", "1")).code).toBe(0);
    expect((await node.must("upgrade")).stdout).toContain("every server that runs works with release 0.2.0");
  });
});
