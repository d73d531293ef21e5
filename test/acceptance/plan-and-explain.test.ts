/** What a person asks a node that runs: what would happen, why is it so, and what comes next on this line. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PlanPreview, StatusReport } from "@castellan/protocol";
import { cliPath } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

const execute = promisify(execFile);

const Explained = z.object({
  type: z.string(),
  dependencies: z.array(z.object({ type: z.string(), ready: z.int(), enabled: z.int() })),
  neededBy: z.array(z.string()),
  instances: z.array(
    z.object({
      status: z.string(),
      pid: z.int().nullable(),
      reasons: z.array(z.string()).min(1),
      events: z.array(z.object({ what: z.string() })),
    }),
  ),
});

let node: TestNode;
let server: string;
beforeAll(async () => {
  node = await makeNode({ types: LAYERS });
  const up = await node.up();
  expect(up.code, said(up)).toBe(0);
  server = (await node.awaitRunning()).servers[0]?.name ?? "";
});
afterAll(() => node.dispose());

const waves = async (...words: string[]): Promise<string[]> => {
  const preview = await node.json(PlanPreview, "plan", ...words);
  return preview.waves.map((wave) =>
    wave.map(({ type, instance, desired }) => `${desired} ${type} ${instance}`).join(", "),
  );
};

describe("castellan plan", () => {
  it("shows a stop in waves, against the dependencies, and stops nothing", async () => {
    const before = await node.pids();
    expect(await waves("stop")).toEqual(["STOPPED TOP 1", "STOPPED MID 2, STOPPED MID 1", "STOPPED BASE 1"]);
    expect(await waves("restart", server, "MID", "2")).toEqual(["RESTARTED MID 2"]);
    const said = await node.cli("plan", "stop");
    expect(said.stdout).toMatch(/^ {2}1\. stop {4}\S+ TOP 1 {2}\(RUNNING\)\n {2}2\. stop {4}\S+ MID 1-2/);
    expect(said.stdout).toContain("nothing was done");
    expect(await node.pids()).toEqual(before);
  });

  it("refuses what would be refused, with the same words and exit code", async () => {
    for (const words of [
      ["stop", server, "BASE"],
      ["start", server, "MIT"],
    ]) {
      const [planned, done] = [await node.cli("plan", ...words), await node.cli(...words)];
      expect(planned.code).toBe(1);
      expect({ code: done.code, stderr: done.stderr }).toEqual({ code: planned.code, stderr: planned.stderr });
    }
    const wrong = await node.cli("plan", "stopp");
    expect({ code: wrong.code, stderr: wrong.stderr }).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain("did you mean stop?");
  });
});

describe("castellan explain", () => {
  it("says what a running process is, needs and is needed by", async () => {
    const explained = await node.json(Explained, "explain", "MID", "2");
    expect(explained.dependencies).toEqual([{ type: "BASE", ready: 1, enabled: 1 }]);
    expect(explained.neededBy).toEqual(["TOP"]);
    expect(explained.instances).toHaveLength(1);
    expect(explained.instances[0]?.reasons[0]).toContain("it is ready");
    expect(explained.instances[0]?.events.map(({ what }) => what)).toContain("started");
  });

  it("says of a stopped process that it was stopped, and how to start it", async () => {
    expect((await node.cli("stop", server, "TOP")).code).toBe(0);
    try {
      const { stdout } = await node.cli("explain", "top");
      expect(stdout).toMatch(/TOP 1 on \S+: STOPPED/);
      expect(stdout).toContain(`castellan start ${server} TOP 1`);
      expect(stdout).toContain("needs      MID  ok  2 of 2 ready");
    } finally {
      expect((await node.cli("start", server, "TOP")).code).toBe(0);
    }
  });

  it("suggests what was meant", async () => {
    const { code, stderr } = await node.cli("explain", "MIT");
    expect(code).toBe(1);
    expect(stderr).toContain("did you mean MID?");
  });
});

describe("castellan status", () => {
  it("names the parts of this server's sentinel", async () => {
    const { servers } = await node.json(StatusReport, "status");
    expect(servers[0]?.sentinel).toMatchObject({
      workerPid: node.part("worker"),
      watcherPid: node.part("watcher"),
      incarnation: expect.any(Number),
    });
  });
});

describe("completion in a shell", () => {
  it("completes commands, servers, types and numbers in bash", async () => {
    const script = `
      export CASTELLAN_HOME=${JSON.stringify(node.home)}
      castellan() { ${JSON.stringify(process.execPath)} ${JSON.stringify(cliPath)} "$@"; }
      source <(castellan completion bash)
      complete_words() { COMP_WORDS=(castellan "$@"); COMP_CWORD=$#; _castellan; echo "\${COMPREPLY[*]}"; }
      complete_words stat
      complete_words restart ""
      complete_words restart ${server} ""
      complete_words restart ${server} MID ""
      complete_words --home /nowhere restart ""`;
    const { stdout } = await execute("bash", ["-c", script]);
    expect(stdout).toBe(`status\n${server}\nBASE MID TOP\n1 2\n\n`);
  });
});
