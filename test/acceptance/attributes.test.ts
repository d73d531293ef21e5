/** Settings of the node, a server, a type or an instance: the most specific holds, and none needs a restart. */
import { appendFileSync, readFileSync } from "node:fs";
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

const Listed = z.array(
  z.object({
    name: z.string(),
    value: z.string(),
    server: z.nullable(z.string()),
    type: z.nullable(z.string()),
    instance: z.nullable(z.int()),
  }),
);
const Effective = z.array(
  z.object({ name: z.string(), value: z.string(), from: z.nullable(z.looseObject({})), meaning: z.string() }),
);

describe("castellan attribute", () => {
  it("sets, lists and takes back, and what it sets is in force without a restart", async () => {
    node = await makeNode({ types: ONE });
    expect((await node.up()).code).toBe(0);
    const master = (await node.status()).master ?? "";
    const list = () => node.json(Listed, "attribute", "list");
    expect(await list()).toEqual([]);

    const set = await node.cli("attribute", "set", "process_auto_restarts", "0", "all", "one");
    expect(set.code, said(set)).toBe(0);
    expect(set.stdout).toBe("PROCESS_AUTO_RESTARTS is 0 for ONE on every server\n");
    expect((await node.cli("attribute", "set", "PROCESS_AUTO_RESTARTS", "1", master, "ONE", "1")).code).toBe(0);
    expect(await list()).toEqual([
      { name: "PROCESS_AUTO_RESTARTS", value: "0", server: null, type: "ONE", instance: null },
      { name: "PROCESS_AUTO_RESTARTS", value: "1", server: master, type: "ONE", instance: 1 },
    ]);
    const holds = async () =>
      (await node.json(Effective, "attribute", "list", master, "ONE", "1")).find(
        ({ name }) => name === "PROCESS_AUTO_RESTARTS",
      );
    expect(await holds()).toMatchObject({ value: "1", from: { server: master, type: "ONE", instance: 1 } });
    const unset = await node.cli("attribute", "unset", "PROCESS_AUTO_RESTARTS", master, "ONE", "1");
    expect(unset.code, said(unset)).toBe(0);
    expect(await holds()).toMatchObject({ value: "0", from: { type: "ONE" } });

    // The one that is running was started before: its next death is its last.
    await eventually(
      async () => {
        const process_ = (await node.status()).servers[0]?.processes[0];
        if (process_?.status === "SUSPENDED") return true;
        if (process_?.pid) process.kill(process_.pid, "SIGKILL");
        return false;
      },
      { withinMs: 90_000, everyMs: 1000, describe: "ONE 1 is not started again" },
    );
    expect(readFileSync(node.path("logs/sw_error"), "utf8")).toMatch(/ONE 1/);
    expect((await node.status()).servers[0]?.processes[0]?.comment).toMatch(/PROCESS_AUTO_RESTARTS is 0/);
  });

  it("silences the error files of a server, and lets them speak again", async () => {
    node = await makeNode({ types: ONE, fspart: "/dev\n" });
    expect((await node.up()).code).toBe(0);
    const master = (await node.status()).master ?? "";
    expect((await node.cli("attribute", "set", "CHECK_ERROR_FILES", "0", master)).code).toBe(0);
    expect(await node.json(Listed, "attribute", "list")).toEqual([
      { name: "CHECK_ERROR_FILES", value: "0", server: master, type: null, instance: null },
    ]);
    // Settings are taken up together: a sentinel that acts by the second has the first.
    expect((await node.cli("attribute", "set", "MINFREEKB", "2147483647", master)).code).toBe(0);
    const kinds = async () => (await node.items()).map(({ kind }) => kind);
    await eventually(async () => expect(await kinds()).toEqual(["disk"]), { withinMs: 90_000, everyMs: 300 });
    appendFileSync(node.path("logs/sw_error"), "said while nobody listens\n");
    expect(await kinds()).toEqual(["disk"]);
    expect((await node.cli("attribute", "unset", "CHECK_ERROR_FILES", master)).code).toBe(0);
    const items = await eventually(
      async () => {
        appendFileSync(node.path("logs/sw_error"), "heard again\n");
        const seen = (await node.items()).filter(({ kind }) => kind === "error-file");
        return seen.length > 0 ? seen : null;
      },
      { withinMs: 90_000, everyMs: 300, describe: "an item" },
    );
    expect(items[0]?.summary).toMatch(/heard again/);
  });

  it("refuses what there is not, what cannot be, and where it cannot be, saying what would be right", async () => {
    node = await makeNode({ types: ONE });
    expect((await node.up()).code).toBe(0);
    const refused = async (code: number, words: RegExp, ...args: string[]) => {
      const result = await node.cli("attribute", ...args);
      expect(result.code, said(result)).toBe(code);
      expect(said(result)).toMatch(words);
    };
    await refused(2, /did you mean PROCESS_MAX_RESTARTS\?/, "set", "PROCESS_MAX_RESTART", "3");
    await refused(
      2,
      /PROCESS_MAX_RESTARTS is a number from 0 to 1000, not "many"/,
      "set",
      "PROCESS_MAX_RESTARTS",
      "many",
    );
    await refused(2, /1 \(yes\) or 0 \(no\), not "2"/, "set", "PROCESS_AUTO_RESTARTS", "2");
    await refused(1, /there is no server "hadez"/, "set", "PROCESS_MAX_RESTARTS", "3", "hadez");
    await refused(1, /did you mean ONE\?/, "set", "PROCESS_MAX_RESTARTS", "3", "all", "ONNE");
    await refused(1, /there is no ONE 7; defined: 1/, "set", "PROCESS_MAX_RESTARTS", "3", "all", "ONE", "7");
    await refused(1, /MINFREEKB is a setting of a server or the node/, "set", "MINFREEKB", "3", "all", "ONE");
    expect(await node.json(Listed, "attribute", "list")).toEqual([]);
  });
});
