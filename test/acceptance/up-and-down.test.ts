/** `castellan up` and `castellan down` at awkward moments. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Endpoints } from "@castellan/protocol";
import { eventually, fakePrograms, findProcesses, killAll, killTogether, startCli } from "@castellan/testkit";
import { connect } from "nats";
import { afterEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

/** Never ready, so that its start stays open. */
const NEVER_READY = `
types:
  SLOW:
    command: ${JSON.stringify([process.execPath, fakePrograms.steady])}
    ready: { logLine: "never said", timeout: 60s }
servers:
  master: { SLOW: 1 }
`;

describe("castellan down", () => {
  it("stops also what has outlived its sentinel", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    node.killPair();
    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);
    await eventually(() => findProcesses(node.home).length === 0, { withinMs: 90_000, describe: "nothing is left" });
  });

  it("ends the embedded nats-server too when nothing else is left of a stopped node", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    expect((await node.cli("stop")).code).toBe(0);
    node.killPair();
    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);
    expect(down.stdout).toContain("nats-server");
    await eventually(() => findProcesses(node.home).length === 0, { withinMs: 90_000, describe: "nothing is left" });
  });
});

describe("a sentinel that was told to end", () => {
  it("is not brought back, though its worker is killed on the way", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    expect((await node.cli("stop")).code).toBe(0);
    const { natsUrl, server } = Endpoints.parse(JSON.parse(readFileSync(node.path("run/endpoints.json"), "utf8")));
    const bus = await connect({ servers: natsUrl });
    try {
      await bus.request(`castellan.castellan.req.${server}.sentinel.-.stop`, '{"by":"test"}', { timeout: 20_000 });
      const worker = node.part("worker");
      if (worker === null) throw new Error("run/worker.json names no worker");
      killTogether([worker]);
    } finally {
      await bus.close();
    }
    const pair = () => findProcesses(node.home).filter(({ command }) => command.includes("castellan w"));
    await eventually(() => pair().length === 0, { withinMs: 90_000, describe: "the watcher has ended too" });
    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);
  });
});

describe("a removed run/", () => {
  it("costs no process, and there is one sentinel afterwards", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const before = await node.pids();
    const worker = node.part("worker");
    // The pair goes on writing there meanwhile.
    rmSync(node.path("run"), { recursive: true, maxRetries: 20 });
    await eventually(() => ![null, worker].includes(node.part("worker")) && node.part("watcher") !== null, {
      withinMs: 90_000,
      describe: "another pair",
    });
    const again = await node.up();
    expect(again.code, said(again)).toBe(0);
    expect(await node.pids()).toEqual(before);
    await eventually(() => {
      const commands = findProcesses(node.home).map(({ command }) => command);
      for (const one of ["castellan watcher", "castellan worker", "nats-server"]) {
        expect(commands.filter((command) => command.includes(one))).toHaveLength(1);
      }
    });
  });
});

describe("castellan up", () => {
  it("starts everything after a boot of the host, whatever the schema and the records still say", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    await killAll(node.home);
    const records = node.path("run", "processes");
    for (const name of readdirSync(records)) {
      const record = readFileSync(join(records, name), "utf8");
      writeFileSync(join(records, name), record.replace(/"bootId":"[^"]+"/, '"bootId":"an-earlier-boot"'));
    }
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    await node.awaitRunning();
  });

  it("twice at once is one start, and both say that it is done", async () => {
    node = await makeNode({ types: LAYERS });
    const both = await Promise.all([node.up(), node.up()]);
    for (const up of both) expect(up.code, said(up)).toBe(0);
    expect((await node.pids()).size).toBe(4);
    expect(findProcesses(node.home).filter(({ command }) => command.includes("steady.mjs"))).toHaveLength(4);
  });

  it("interrupted while a process is not ready yet takes down what has begun", async () => {
    node = await makeNode({ types: NEVER_READY });
    const up = startCli(["up", "--example", node.path("..", "example")], { home: node.home });
    await eventually(async () => node.part("worker") !== null && (await node.pids()).size === 1, {
      withinMs: 90_000,
      everyMs: 200,
      describe: "the process has been launched",
    });
    up.signal("SIGINT");
    await eventually(() => findProcesses(node.home).length === 0, { withinMs: 90_000, describe: "all is down" });
    const ended = await up.ended;
    expect(ended.code, said(ended)).toBe(0);
  });

  it("in the foreground ends well when others take the node down, two at once and one just after them", async () => {
    node = await makeNode({ types: LAYERS });
    const up = startCli(["up", "--example", node.path("..", "example")], { home: node.home });
    await eventually(() => up.stdout().includes("Ctrl-C stops"), { withinMs: 90_000, describe: "it runs" });
    const late = async () => {
      await eventually(async () => [...(await node.pids())].length === 0, {
        withinMs: 90_000,
        describe: "all has stopped",
      });
      return await node.cli("down");
    };
    const downs = await Promise.all([node.cli("down"), node.cli("down"), late()]);
    for (const down of downs) expect(down.code, said(down)).toBe(0);
    const ended = await up.ended;
    expect(ended.code, said(ended)).toBe(0);
  });
});
