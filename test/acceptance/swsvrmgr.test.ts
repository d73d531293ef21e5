/** `swsvrmgr`: the original's commands, in any case of letters, with its documented lines. */
import { existsSync } from "node:fs";
import { OperationReport } from "@castellan/protocol";
import { fakePrograms } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { sw } from "../harness/sw.ts";

const steady = JSON.stringify([process.execPath, fakePrograms.steady]);
const TYPES = `
types:
  WQS: { command: ${steady}, dynamic: false }
  BG: { command: ${steady}, pausable: true }
servers:
  master: { WQS: 1, BG: 2 }
`;

let node: TestNode;
let server = "";
const run = (...args: string[]) => sw(node, "swsvrmgr", ...args);

const refused = async (code: number, words: RegExp, ...args: string[]) => {
  const result = await run(...args);
  expect(result.code, said(result)).toBe(code);
  expect(result.stderr).toMatch(words);
};

beforeAll(async () => {
  node = await makeNode({ types: TYPES });
  expect((await node.up()).code).toBe(0);
  server = (await node.status()).master ?? "";
});
afterAll(() => node.dispose());

describe("swsvrmgr", () => {
  it("STATUS shows the system, -v each process in the documented columns", async () => {
    const plain = await run("status");
    expect(plain, said(plain)).toMatchObject({ code: 0, stdout: "System castellan is RUNNING\n" });
    const [, head = "", ...lines] = (await run("STATUS", "-v")).stdout.trimEnd().split("\n");
    expect(head.split(/ {2,}/)).toEqual(["Machine ID", "Proc Name", "Proc Inst", "Status", "Comment"]);
    expect(lines.map((line) => line.split(/ +/).slice(0, 4).join(" "))).toEqual([
      "1 BG 1 RUNNING",
      "1 BG 2 RUNNING",
      "1 WQS 1 RUNNING",
    ]);
  });

  it("stops, starts, pauses and unpauses by name or id of the machine, and says so line by line", async () => {
    const goes = async (stdout: string, ...args: string[]) => {
      const result = await run(...args);
      expect(result, said(result)).toMatchObject({ code: 0, stdout });
    };
    await goes("BG 2 STOPPED\nProcess(es) successfully stopped\n", "SHUTDOWN", "1", "bg", "2");
    await goes(
      "BG 2 STARTED\nProcess(es) successfully started\n",
      "start",
      server.toUpperCase(),
      "BG",
      "2",
      "-T",
      "30",
    );
    await goes("BG 2 PAUSED\nProcess(es) successfully paused\n", "Pause", server, "bg", "2");
    await goes("BG 2 UNPAUSED\nProcess(es) successfully unpaused\n", "UNPAUSE", "1", "bg", "2");
    await goes("BG 3 STARTED\nProcess(es) successfully started\n", "START_NEW", "1", "bg", "1");
    const again = await run("RESTART", "1", "bg", "1", "--json");
    expect(again.code, said(again)).toBe(0);
    expect(OperationReport.parse(JSON.parse(again.stdout)).steps).toMatchObject([{ type: "BG", state: "done" }]);
  });

  it("writes the last output of processes away", async () => {
    const dumped = await run("DumpLog", "1", "BG", "1");
    expect(dumped.code, said(dumped)).toBe(0);
    const file = /^BG 1: (.+)$/m.exec(dumped.stdout)?.[1] ?? "";
    expect(existsSync(file), dumped.stdout).toBe(true);
  });

  it("refuses what cannot be, with the exit codes of the contract", async () => {
    await refused(1, /WQS cannot be stopped alone/, "shutdown", "1", "WQS");
    await refused(1, /there is no server "nowhere"/, "START", "nowhere");
  });
});
