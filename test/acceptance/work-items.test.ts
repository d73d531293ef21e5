/** What people do with work items: locks, groups, deadlines, silence; and what comes back because it goes on. */
import { appendFileSync, statfsSync, writeFileSync } from "node:fs";
import { WorkItemReport } from "@castellan/protocol";
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

async function up(fspart?: string): Promise<void> {
  node = await makeNode({ types: ONE, ...(fspart !== undefined && { fspart }) });
  const result = await node.up();
  expect(result.code, said(result)).toBe(0);
}

const seen = (wanted: (items: WorkItemReport[]) => boolean, what: string, ...args: string[]) =>
  eventually(
    async () => {
      const items = await node.items(...args);
      if (!wanted(items)) throw new Error(JSON.stringify(items));
      return items;
    },
    { withinMs: 90_000, everyMs: 200, describe: what },
  );
const History = z.array(z.looseObject({ what: z.string(), by: z.string(), station: z.string().nullable() }));
const Reply = z.object({ caseNumber: z.int(), state: z.string(), changed: z.boolean(), item: WorkItemReport });
const workitem = (...args: string[]) => node.cli("workitem", ...args);

async function define(queues: string): Promise<void> {
  writeFileSync(node.path("queues.yaml"), `queues:\n${queues}`);
  const applied = await node.cli("apply", node.path("queues.yaml"));
  expect(applied.code, said(applied)).toBe(0);
}

const fire = async (): Promise<void> => {
  appendFileSync(node.path("logs/sw_error"), "the printer is on fire\n");
  await seen((items) => items.length === 1, "one item");
};

describe("a work item", () => {
  it("is one person's at a time, who is named to everybody else", async () => {
    await up();
    await fire();
    const opened = await node.json(Reply, "workitem", "open", "1", "--as", "ann");
    expect(opened).toMatchObject({ state: "open", changed: true, item: { lockedBy: "ann" } });
    const refused = await workitem("release", "1", "--as", "bob");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/work item 1 is locked by ann \(on .+\) since .+ UTC/);
    expect((await workitem("undo", "1", "--as", "ann")).code).toBe(0);
    const both = await Promise.all(["ann", "bob"].map((who) => workitem("open", "1", "--as", who)));
    expect(both.map(({ code }) => code).sort((a, b) => (a ?? 9) - (b ?? 9))).toEqual([0, 1]);
    expect((await workitem("undo", "1", "--force", "--note", "lunch is over")).code).toBe(0);
    const history = await node.json(History, "workitem", "history", "1");
    expect(history.map(({ what, by }) => `${what} ${by}`)).toEqual([
      "created $SYSTEM",
      "opened ann",
      "undone ann",
      expect.stringMatching(/^opened (ann|bob)$/),
      expect.stringMatching(/^lock-broken /),
    ]);
    expect(history.slice(1).every(({ station }) => station !== null)).toBe(true);
  });

  it("is a group's among groups, and tells who has seen to it", async () => {
    await up();
    await define("  storage: { members: [carl], deadlines: { error: 2h } }\n");
    await fire();
    expect((await workitem("forward", "1", "stroage")).stderr).toContain("storage");
    const there = await workitem("forward", "1", "storage", "--as", "ann", "--note", "yours, I think");
    expect(there.stdout, said(there)).toBe("case 1 is in queue storage\n");
    expect(await workitem("acknowledge", "1", "--as", "ann")).toMatchObject({ code: 5 });
    expect((await workitem("acknowledge", "1", "--as", "carl")).code).toBe(0);
    const [item] = await node.items("--queue", "storage");
    expect(item).toMatchObject({ acknowledgedBy: "carl", late: false, state: "new" });
    expect((await workitem("release", "1", "--as", "carl", "--note", "extinguished")).code).toBe(0);
    expect((await workitem("keep", "1", "--as", "carl")).stderr).toMatch(/was released by carl at .+ UTC already/);
    expect((await workitem("show", "1")).stdout).toContain("yours, I think");
    const past = await node.cli("alerts", "--since", "10m", "--json");
    expect(past.stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("that nobody acknowledges in time becomes urgent, and goes to whom its queue names", async () => {
    await up();
    await define("  swadmin: { deadlines: { error: 1s }, escalateTo: duty }\n  duty: { members: [carl] }\n");
    appendFileSync(node.path("logs/sw_error"), "the printer is on fire\n");
    const [item] = await seen((items) => items[0]?.queue === "duty", "the item is in queue duty");
    expect(item).toMatchObject({ escalated: true, priority: 10, state: "new", late: false });
  });

  it("that was released while its cause goes on comes back with the next desk, unless it is silenced", async () => {
    await up("/ 1M\n");
    const { bavail, bsize } = statfsSync("/");
    writeFileSync(node.path("fspart"), `/ ${Math.ceil((bavail * bsize) / 1024 ** 3) + 10}G\n`);
    await seen((items) => items.length === 1, "an item about the disk");
    const nextDesk = async (): Promise<void> => {
      const before = node.part("worker");
      process.kill(before ?? Number.NaN, "SIGKILL");
      await eventually(() => ![null, before].includes(node.part("worker")), { withinMs: 90_000 });
    };
    const reassertions = async (): Promise<number> =>
      (await node.cli("alerts", "--since", "10m", "--json")).stdout.split('"reasserted":true').length - 1;

    expect((await workitem("release", "1")).code).toBe(0);
    await nextDesk();
    const [back] = await seen((items) => items.length === 1, "the item is back");
    expect(back).toMatchObject({ caseNumber: 2, kind: "disk", subject: "/", occurrences: 1 });

    expect((await workitem("silence", "2", "--for", "1h")).code).toBe(0);
    expect((await workitem("release", "2")).code).toBe(0);
    const before = await reassertions();
    await nextDesk();
    await eventually(async () => (await reassertions()) > before, { withinMs: 90_000, describe: "it was said again" });
    writeFileSync(node.path("logs/sw_warn"), "what comes after it has come, so it has come as well\n");
    await seen((items) => items.some(({ kind }) => kind === "warn-file"), "the item of the warning");
    expect((await node.items()).map(({ kind }) => kind)).toEqual(["warn-file"]);
  });
});
