/** fspart: raising the minimum above the free space gives an item, lowering it resolves it. */
import { statfsSync, writeFileSync } from "node:fs";
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

describe("the disk watch", () => {
  it("raises and resolves within ten seconds each, and its 1609 line raises nothing else", async () => {
    node = await makeNode({ types: ONE, fspart: "/ 1M\n" });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const { bavail, bsize } = statfsSync("/");
    const gigabytes = Math.ceil((bavail * bsize) / 1024 ** 3) + 10;

    writeFileSync(node.path("fspart"), `/ ${gigabytes}G\n`);
    const [item] = await eventually(
      async () => {
        const items = await node.items();
        return items.length > 0 ? items : null;
      },
      { withinMs: 90_000, everyMs: 100, describe: "an item about the disk" },
    );
    expect(item).toMatchObject({ kind: "disk", subject: "/", state: "new", severity: "error" });
    expect(item?.summary).toContain("/");

    writeFileSync(node.path("fspart"), "/ 1M\n");
    await eventually(async () => (await node.items()).length === 0, {
      withinMs: 90_000,
      everyMs: 100,
      describe: "the item is resolved",
    });
    const all = await node.items("--all");
    expect(all.map(({ kind, state }) => ({ kind, state }))).toEqual([{ kind: "disk", state: "resolved" }]);
  });

  it("says which line of fspart it cannot read, and what it cannot find", async () => {
    node = await makeNode({ types: ONE, fspart: "/no/such/place 1M\n/ 12Q\n" });
    expect((await node.up()).code).toBe(0);
    await eventually(
      async () => {
        const items = await node.items();
        const text = JSON.stringify(items);
        if (!text.includes("/no/such/place") || !text.includes("fspart")) throw new Error(text);
      },
      { withinMs: 90_000, everyMs: 200, describe: "items about the path and the line" },
    );
  });
});
