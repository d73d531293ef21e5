/** Bad input gets an error that names the thing and the remedy, the right exit code, and loses nothing. */
import { existsSync, writeFileSync } from "node:fs";
import { eventually, runCli } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS, ONE } from "../harness/types.ts";

let node: TestNode | null = null;
afterEach(async () => {
  await node?.dispose();
  node = null;
});

describe("castellan.yaml", () => {
  it("that is wrong is refused with every problem, its file and line, and nothing is begun", async () => {
    node = await makeNode({ types: ONE, config: "node: [not a name\n" });
    const broken = await node.up();
    expect(broken.code).not.toBe(0);
    expect(said(broken)).toMatch(/castellan\.yaml:\d+/);
    node.configure("node: ips 1\nnatz: {}\nserver: HADES\n");
    const wrong = await node.up();
    expect(wrong.code).not.toBe(0);
    for (const word of ["natz", "node", "server"]) expect(said(wrong)).toContain(word);
    expect(node.part("worker")).toBeNull();
  });

  it("that somebody breaks under a running node stops nothing, also when the worker must start again", async () => {
    node = await makeNode({ types: ONE, config: "node: ips1\n" });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const pid = (await node.pids()).get("ONE 1") ?? 0;
    const worker = node.part("worker") ?? Number.NaN;
    node.configure("node: [\n");
    process.kill(worker, "SIGKILL");
    const running = node;
    await eventually(() => existsSync(running.path("run/castellan.yaml.problem")), {
      withinMs: 90_000,
      describe: "a new worker that has seen what is wrong",
    });
    expect(lives(pid)).toBe(true);
    node.configure("node: ips1\n");
    await eventually(
      async () => {
        const items = await running.items();
        if (!items.some(({ kind, subject }) => kind === "sentinel" && subject === "castellan.yaml")) {
          throw new Error(JSON.stringify(items));
        }
      },
      { withinMs: 90_000, everyMs: 200, describe: "an item about castellan.yaml" },
    );
    expect((await node.pids()).get("ONE 1")).toBe(pid);
  });
});

describe("what cannot be done is said", () => {
  it("a cycle is printed, an unknown key and an unknown type are named, and nothing changes", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const file = node.path("bad.yaml");
    writeFileSync(file, "types:\n  A: { command: [a], dependsOn: [B] }\n  B: { command: [b], dependsOn: [A] }\n");
    const cycle = await node.cli("apply", file);
    expect(cycle.code).toBe(1);
    expect(said(cycle)).toMatch(/A -> B -> A|B -> A -> B/);
    writeFileSync(file, "types:\n  A: { comand: [a] }\n");
    const key = await node.cli("apply", file);
    expect(key.code).not.toBe(0);
    expect(said(key)).toMatch(/bad\.yaml:\d+.*comand|bad\.yaml:\d+[\s\S]*comand/);

    const { master } = await node.status();
    const unknown = await node.cli("start", master ?? "", "MIDD");
    expect(unknown.code).toBe(1);
    expect(said(unknown)).toMatch(/MIDD[\s\S]*MID/);
    const server = await node.cli("start", "nowhere");
    expect(server.code).toBe(1);
    expect(said(server)).toContain("nowhere");
    expect((await node.status()).state).toBe("RUNNING");
  });

  it("mistakes on the command line are usage errors, a missing node cannot be reached", async () => {
    const mistyped = await runCli(["statsu"]);
    expect(mistyped.code).toBe(2);
    expect(said(mistyped)).toContain("status");
    expect((await runCli(["start", "a", "b", "x7"], { home: "/nonexistent" })).code).toBe(2);
    const missing = await runCli(["status"], { home: "/nonexistent/castellan" });
    expect(missing.code).toBe(3);
    expect(said(missing)).toContain("castellan up");
    const json = await runCli(["status", "--json"], { home: "/nonexistent/castellan" });
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: "NO_HOME" } });
  });
});
