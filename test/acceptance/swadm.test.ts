/** `swadm`: what it changes is in the schema, and in force. */
import { readFileSync } from "node:fs";
import { eventually, fakePrograms } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { sw } from "../harness/sw.ts";

const steady = JSON.stringify([process.execPath, fakePrograms.steady]);
const TYPES = `
types:
  WQS: { command: ${steady}, dynamic: false }
  BG: { command: ${steady} }
servers:
  master: { WQS: 1, BG: 1 }
`;

let node: TestNode;
let server = "";
const run = (...args: string[]) => sw(node, "swadm", ...args);
const goes = async (stdout: string | RegExp, ...args: string[]) => {
  const result = await run(...args);
  expect(result.code, said(result)).toBe(0);
  if (typeof stdout === "string") expect(result.stdout).toBe(stdout);
  else expect(result.stdout).toMatch(stdout);
};
const refused = async (code: number, words: RegExp, ...args: string[]) => {
  const result = await run(...args);
  expect(result.code, said(result)).toBe(code);
  expect(result.stderr).toMatch(words);
};
const bgs = async () =>
  (await node.status()).servers.flatMap(({ processes }) =>
    processes.filter(({ type }) => type === "BG").map(({ instance, status }) => `${instance} ${status}`),
  );

beforeAll(async () => {
  node = await makeNode({ types: TYPES });
  expect((await node.up()).code).toBe(0);
  server = (await node.status()).master ?? "";
});
afterAll(() => node.dispose());

describe("swadm", () => {
  it("tests events, and knows the master", async () => {
    await goes(/^Events working correctly\. Received loopback message in \d+ second\(s\)\.\n$/, "EvLoopback");
    await goes(`The master machine is machine ${server}.\n`, "find_master");
    await goes(`The master machine has been set to machine ${server}.\n`, "SET_MASTER", "1");
  });

  it("adds, disables, enables and deletes processes; a number that was given is not given again", async () => {
    await goes(/^BG 2 on machine \S+ has been added, enabled\.\nIt is being started/, "add_process", "1", "bg", "Y");
    await eventually(async () => expect(await bgs()).toEqual(["1 RUNNING", "2 RUNNING"]), { withinMs: 90_000 });
    await goes(/^BG 2 .* has been disabled\.\n$/, "disable_process", server, "BG", "2");
    const shown = await run("show_processes", "-m1", "-pbg", "-i2");
    const [head = "", line = ""] = shown.stdout.split("\n");
    expect(head.split(/ {2,}/)).toEqual([
      "Machine ID",
      "Process Name",
      "Process Inst",
      "Enabled",
      "Persistent",
      "Last Status",
      "Status Comment",
    ]);
    expect(line.split(/ +/).slice(0, 6)).toEqual(["1", "BG", "2", "N", "Y", "RUNNING"]);
    await goes(/^BG 2 .* has been deleted\.\n$/, "Delete_Process", "1", "bg", "2");
    await eventually(async () => expect(await bgs()).toEqual(["1 RUNNING"]), { withinMs: 90_000 });
    await goes(/^BG 3 .* has been added, disabled\.\n$/, "add_process", "1", "BG", "n");
    await goes(/^BG 3 .* has been deleted\.\n$/, "delete_process", "1", "BG", "3");
    await refused(1, /WQS cannot be stopped alone/, "delete_process", "1", "WQS", "1");
  });

  it("adds, moves and deletes servers, but none that runs", async () => {
    await goes("Machine zeus has been added with ID 2.\n", "add_server", "Zeus");
    await goes("Machine zeus (ID 2) is now hera.\n", "MOVE_SERVER", "2", "hera");
    await goes(/BG 1 on machine hera has been added/, "add_process", "hera", "bg", "N");
    await goes(/^MACHINE_ID +MACHINE_NAME[^]*2 +hera +N +Y +down +1/, "show_servers");
    await goes("Error files of machine hera are not checked.\n", "set_check_errors", "2", "N");
    await goes("Machine hera (ID 2) has been deleted, with 1 process(es).\n", "delete_server", "hera");
    await refused(1, /cannot be removed while its sentinel runs/, "delete_server", "1");
  });

  it("sets and deletes attributes under the documented places", async () => {
    await goes(/has been set to 9\.\n$/, "set_attribute", "0", "ALL", "0", "process_max_restarts", "9");
    await goes(/has been set to 0\.\n$/, "SET_ATTRIBUTE", "1", "PROCMGR", "0", "PM_AUTO_BOOT", "0");
    await goes(/0 +ALL +0 +PROCESS_MAX_RESTARTS +9\n$/, "show_all_attributes", "PROCESS_MAX_RESTARTS");
    await goes(/has been deleted\.\n$/, "delete_attribute", "0", "ALL", "0", "PROCESS_MAX_RESTARTS");
    await goes(/has been deleted\.\n$/, "delete_attribute", "1", "PROCMGR", "0", "PM_AUTO_BOOT");
  });

  it("writes the configuration to a file, shows how the node has left it, and brings it back", async () => {
    const file = node.path("copy.yaml");
    await goes(`wrote ${file}\n`, "EXPORT_IPE_CONFIG", file);
    expect(readFileSync(file, "utf8")).toMatch(/^version: 1\n/);
    await goes("nothing to change\n", "import_config", file);
    await run("set_attribute", "0", "ALL", "0", "PROCESS_MAX_RESTARTS", "9");
    await run("add_process", "1", "BG", "N");
    const changes = [
      `- ${server} BG 4`,
      "- attribute PROCESS_MAX_RESTARTS of all ALL 0: 9 -> not set",
      "nothing was changed: this was a dry run",
    ];
    await goes(`${changes.join("\n")}\n`, "import_ipe_config", file, "--dry-run");
    await goes(`${changes.slice(0, 2).join("\n")}\n`, "import_config", file);
    await goes("nothing to change\n", "import_config", file);
  });
});
