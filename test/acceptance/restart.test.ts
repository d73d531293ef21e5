/** RESTART of what runs, of what is still being started, and what becomes of those that depend on it. */
import { rmSync, writeFileSync } from "node:fs";
import { eventually, fakePrograms } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";

const steady = JSON.stringify([process.execPath, fakePrograms.steady]);
/** Ends at once while the file is there. */
const UNLESS_BROKEN = `
  if (require("fs").existsSync("broken")) process.exit(3);
  setInterval(() => {}, 60000);`;
const slow = JSON.stringify([process.execPath, fakePrograms.slow, "400"]);

const FOLLOWERS = `
types:
  STORE: { command: ${JSON.stringify([process.execPath, "-e", UNLESS_BROKEN])} }
  AGAIN: { command: ${steady}, dependsOn: [{ type: STORE, onRestart: restart }] }
  WAITS: { command: ${steady}, dependsOn: [{ type: STORE, onRestart: wait }] }
  STOPS: { command: ${steady}, dependsOn: [{ type: STORE, onRestart: stop }] }
  CALM: { command: ${steady}, dependsOn: [STORE] }
servers:
  master: { STORE: 1, AGAIN: 1, WAITS: 1, STOPS: 1, CALM: 1 }
`;

const PENDING = `
types:
  SLOW: { command: ${slow}, ready: { logLine: "^ready" } }
  NEVER: { command: ${steady}, ready: { logLine: "^never", timeout: 120s } }
servers:
  master: { SLOW: 3, NEVER: 1 }
`;

let node: TestNode;
afterEach(() => node.dispose());

async function begin(types: string, ...start: string[]): Promise<string> {
  node = await makeNode({ types });
  const up = start.length === 0 ? await node.up() : await node.cli("up", "--detach", "--bare");
  expect(up.code, said(up)).toBe(0);
  if (start.length > 0) {
    writeFileSync(node.path("types.yaml"), types);
    expect((await node.cli("apply", node.path("types.yaml"))).code).toBe(0);
  }
  return (await node.status()).master ?? "";
}

async function statuses(): Promise<Record<string, string>> {
  const { servers } = await node.status();
  return Object.fromEntries(servers.flatMap(({ processes }) => processes.map((p) => [p.type, p.status])));
}
const until = (wanted: Record<string, string>, withinMs = 90_000) =>
  eventually(async () => expect(await statuses()).toMatchObject(wanted), { withinMs, everyMs: 150 });

describe("when a process dies, those that depend on it", () => {
  it("go on, are restarted, are stopped, or wait for it, as onRestart of their edge says", async () => {
    const master = await begin(FOLLOWERS);
    const before = await node.pids();
    process.kill(before.get("STORE 1") ?? Number.NaN, "SIGKILL");
    const after = await eventually(
      async () => {
        const wanted = { STORE: "RUNNING", AGAIN: "RUNNING", WAITS: "RUNNING", STOPS: "STOPPED", CALM: "RUNNING" };
        expect(await statuses()).toEqual(wanted);
        const pids = await node.pids();
        for (const one of ["STORE 1", "AGAIN 1", "WAITS 1"]) expect(pids.get(one), one).not.toBe(before.get(one));
        return pids;
      },
      { withinMs: 90_000, everyMs: 150, describe: "each has followed" },
    );
    expect(after.get("CALM 1")).toBe(before.get("CALM 1"));
    expect(lives(before.get("STOPS 1") ?? 0)).toBe(false);
    expect(lives(before.get("AGAIN 1") ?? 0)).toBe(false);
    expect((await node.cli("start", master, "STOPS")).code).toBe(0);

    // By order: what stops is stopped before, the others are restarted after.
    const restart = await node.cli("restart", master, "STORE");
    expect(restart.code, said(restart)).toBe(0);
    const order = [...restart.stdout.matchAll(/([A-Z]+) 1: done/g)].map(([, type]) => type);
    expect(order.slice(0, 2)).toEqual(["STOPS", "STORE"]);
    expect(order.slice(2).toSorted()).toEqual(["AGAIN", "WAITS"]);
    expect((await node.pids()).get("CALM 1")).toBe(before.get("CALM 1"));
  });

  it("and it is given up: who waits is held until somebody revives it, also when the worker is killed meanwhile", async () => {
    const master = await begin(FOLLOWERS);
    expect((await node.cli("attribute", "set", "PROCESS_MAX_RESTARTS", "1", "all", "STORE")).code).toBe(0);
    const before = await node.pids();
    // Taken up within seconds; the third death in a row is one too many by then at the latest.
    writeFileSync(node.path("broken"), "");
    process.kill(before.get("STORE 1") ?? Number.NaN, "SIGKILL");
    await until({ STORE: "SUSPENDED", WAITS: "STARTING", STOPS: "STOPPED", CALM: "RUNNING", AGAIN: "RUNNING" });
    expect(lives(before.get("WAITS 1") ?? 0)).toBe(false);
    const waits = (await node.status()).servers[0]?.processes.find(({ type }) => type === "WAITS");
    expect(waits?.comment).toMatch(/waits until what it depends on is ready/);

    const worker = node.part("worker") ?? Number.NaN;
    process.kill(worker, "SIGKILL");
    await eventually(() => ![null, worker].includes(node.part("worker")), {
      withinMs: 90_000,
      describe: "a new worker",
    });
    rmSync(node.path("broken"));
    const restart = await node.cli("restart", master, "STORE");
    expect(restart.code, said(restart)).toBe(0);
    await until({ STORE: "RUNNING", WAITS: "RUNNING", AGAIN: "RUNNING", STOPS: "STOPPED" });
    expect((await node.pids()).get("AGAIN 1")).not.toBe(before.get("AGAIN 1"));
  });
});

describe("restart", () => {
  it("of a type takes one instance after the other, so that the rest of them serve meanwhile", async () => {
    const master = await begin(PENDING, "by hand");
    expect((await node.cli("start", master, "SLOW")).code).toBe(0);
    const before = await node.pids();
    const running = node.cli("restart", master, "SLOW");
    let fewest = before.size;
    const isOver = running.then(() => true);
    await eventually(
      async () => {
        const up = (await node.status()).servers[0]?.processes.filter(
          ({ type, status }) => type === "SLOW" && status === "RUNNING",
        );
        fewest = Math.min(fewest, up?.length ?? 0);
        return await Promise.race([isOver, Promise.resolve(false)]);
      },
      { withinMs: 90_000, everyMs: 50, describe: "the restart is over" },
    );
    const result = await running;
    expect(result.code, said(result)).toBe(0);
    expect([...result.stdout.matchAll(/SLOW (\d): done/g)].map(([, number]) => number)).toEqual(["1", "2", "3"]);
    expect([...before.values()].filter(lives)).toEqual([]);
    expect(fewest).toBeGreaterThanOrEqual(2);
  });

  it("of what is not ready yet begins it anew, beside the start that waits for it", async () => {
    const master = await begin(PENDING, "by hand");
    const start = node.cli("start", master, "NEVER", "--timeout", "60");
    const first = await eventually(async () => (await node.pids()).get("NEVER 1") ?? null, { withinMs: 90_000 });
    const restart = await node.cli("restart", master, "NEVER", "--timeout", "2");
    expect(restart.code, said(restart)).toBe(4); // it goes on waiting
    await eventually(async () => ![undefined, first].includes((await node.pids()).get("NEVER 1")), {
      withinMs: 90_000,
    });
    expect(lives(first)).toBe(false);
    const stop = await node.cli("stop", master, "NEVER");
    expect(stop.code, said(stop)).toBe(0);
    expect((await start).code).toBe(1);
    expect((await statuses())["NEVER"]).toBe("STOPPED");
  });
});
