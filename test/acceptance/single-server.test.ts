/** A node of one server, as a newcomer meets it. */
import { existsSync, readFileSync } from "node:fs";
import { Endpoints, StatusReport } from "@castellan/protocol";
import { eventually, findProcesses } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { isOnFile } from "../harness/database.ts";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

describe("castellan up on an empty directory", () => {
  it("makes a node, starts every process after what it depends on, and reports it as the contract says", async () => {
    node = await makeNode({ types: LAYERS });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const order = [...up.stdout.matchAll(/(BASE|MID|TOP) \d: done/g)].map(([, type]) => type);
    expect(order).toEqual(["BASE", "MID", "MID", "TOP"]);

    const report = await node.awaitRunning();
    expect(StatusReport.parse(report)).toEqual(report);
    expect(report).toMatchObject({ node: "castellan", state: "RUNNING", epoch: 1, stale: false });
    const [server] = report.servers;
    expect(server).toMatchObject({ id: 1, role: "master", state: "up", name: report.master });
    expect(
      server?.processes.map(({ type, instance, status, restarts }) => ({ type, instance, status, restarts })),
    ).toEqual(
      ["BASE 1", "MID 1", "MID 2", "TOP 1"].map((label) => {
        const [type, instance] = label.split(" ");
        return { type, instance: Number(instance), status: "RUNNING", restarts: 0 };
      }),
    );
    for (const pid of (await node.pids()).values()) expect(lives(pid)).toBe(true);

    const endpoints = Endpoints.parse(JSON.parse(readFileSync(node.path("run/endpoints.json"), "utf8")));
    expect(endpoints).toMatchObject({ node: "castellan", server: report.master, consoleUrl: null });
    // What one of them is just starting still has its command line.
    await eventually(() => {
      const commands = findProcesses(node.home).map(({ command }) => command);
      for (const part of ["watcher", "worker"]) {
        expect(commands.filter((line) => line.startsWith(`castellan ${part} --home ${node.home}`))).toHaveLength(1);
      }
    });
  });

  it("joins what runs, stops and starts parts of it, and takes it down in reverse order", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const before = await node.pids();
    const again = await node.up();
    expect(again.code, said(again)).toBe(0);
    expect(await node.pids()).toEqual(before);

    const { master } = await node.status();
    const refused = await node.cli("stop", master ?? "", "BASE");
    expect(refused.code).toBe(1);
    expect(said(refused)).toMatch(/MID/);
    const stopped = await node.cli("stop", master ?? "", "TOP", "1");
    expect(stopped.code, said(stopped)).toBe(0);
    expect(lives(before.get("TOP 1") ?? 0)).toBe(false);
    const idle = await node.cli("stop", master ?? "", "TOP");
    expect(idle.code, said(idle)).toBe(0);
    expect(said(idle)).toMatch(/already stopped/);
    const started = await node.cli("start");
    expect(started.code, said(started)).toBe(0);
    expect(said(started)).toMatch(/already running/);

    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);
    const order = [...down.stdout.matchAll(/(BASE|MID|TOP) \d: done/g)].map(([, type]) => type);
    expect(order).toEqual(["TOP", "MID", "MID", "BASE"]);
    for (const pid of before.values()) expect(lives(pid)).toBe(false);
    expect((await node.status()).state).toBe("STOPPED");
    expect(findProcesses(node.home)).toEqual([]);
    expect(existsSync(node.path("data/castellan.db"))).toBe(isOnFile());
  });
});

describe("castellan apply", () => {
  it("shows the difference, changes nothing when asked not to, and what it changes is there afterwards", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const file = node.path("more.yaml");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(file, LAYERS.replace("TOP: 1", "TOP: 2"));
    const dry = await node.cli("apply", file, "--dry-run");
    expect(dry.code, said(dry)).toBe(0);
    expect(said(dry)).toMatch(/TOP/);
    expect((await node.status()).servers[0]?.processes).toHaveLength(4);
    expect((await node.cli("apply", file)).code).toBe(0);
    const start = await node.cli("start");
    expect(start.code, said(start)).toBe(0);
    expect((await node.pids()).has("TOP 2")).toBe(true);
  });
});
