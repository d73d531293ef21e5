/** START_NEW: temporary instances, gone when they are stopped. */

import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

const mids = async (): Promise<string[]> =>
  (await node.status()).servers.flatMap(({ processes }) =>
    processes
      .filter(({ type }) => type === "MID")
      .map((p) => `${p.instance} ${p.status}${p.persistent ? "" : " temporary"}`),
  );
const until = (wanted: string[]) =>
  eventually(async () => expect(await mids()).toEqual(wanted), { withinMs: 90_000, everyMs: 150 });

describe("castellan start-new", () => {
  it("starts temporary instances under new numbers; stopped they are gone, and the numbers are not given again", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const master = (await node.status()).master ?? "";
    const made = await node.cli("start-new", master, "mid", "2");
    expect(made.code, said(made)).toBe(0);
    // Both at once: who is ready first is nobody's promise.
    for (const label of ["MID 3", "MID 4"]) expect(made.stdout).toContain(`${label}: done (started)`);
    await until(["1 RUNNING", "2 RUNNING", "3 RUNNING temporary", "4 RUNNING temporary"]);
    const pid = (await node.pids()).get("MID 4") ?? 0;
    expect(lives(pid)).toBe(true);

    const worker = node.part("worker") ?? Number.NaN;
    process.kill(worker, "SIGKILL");
    await eventually(() => ![null, worker].includes(node.part("worker")), {
      withinMs: 90_000,
      describe: "a new worker",
    });
    await until(["1 RUNNING", "2 RUNNING", "3 RUNNING temporary", "4 RUNNING temporary"]);
    expect((await node.pids()).get("MID 4")).toBe(pid);

    // The others of its type carry TOP, which depends on it: a temporary one may go.
    const stop = await node.cli("stop", master, "MID", "4");
    expect(stop.code, said(stop)).toBe(0);
    await until(["1 RUNNING", "2 RUNNING", "3 RUNNING temporary"]);
    expect((await node.cli("start-new", master, "MID")).code).toBe(0);
    await until(["1 RUNNING", "2 RUNNING", "3 RUNNING temporary", "5 RUNNING temporary"]);

    expect((await node.cli("down")).code).toBe(0);
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    await until(["1 RUNNING", "2 RUNNING"]);
  });

  it("refuses what cannot be, by name", async () => {
    node = await makeNode({ types: LAYERS });
    expect((await node.up()).code).toBe(0);
    const master = (await node.status()).master ?? "";
    const refused = async (code: number, words: RegExp, ...args: string[]) => {
      const result = await node.cli("start-new", ...args);
      expect(result.code, said(result)).toBe(code);
      expect(said(result)).toMatch(words);
    };
    await refused(1, /there is no server "nowhere"/, "nowhere", "MID");
    await refused(1, /did you mean MID\?/, master, "MIDD");
    await refused(2, /from 1 to 100/, master, "MID", "0");
    await refused(2, /argument 'type'/, master);
  });
});
