/** sw_error and sw_warn become work items that name the file and the server. */
import { appendFileSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { WorkItemReport } from "@castellan/protocol";
import { eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
beforeEach(async () => {
  node = await makeNode({ types: ONE });
  const up = await node.up();
  expect(up.code, said(up)).toBe(0);
});
afterEach(() => node.dispose());

const open = (test: (items: WorkItemReport[]) => boolean, describe: string) =>
  eventually(
    async () => {
      const items = await node.items();
      if (!test(items)) throw new Error(`seen: ${JSON.stringify(items)}`);
      return items;
    },
    { withinMs: 90_000, everyMs: 100, describe },
  );

describe("an error file", () => {
  it("gives one item, later lines are occurrences of it, releasing closes it, a new file is a new item", async () => {
    const file = node.path("logs/sw_error");
    appendFileSync(file, "the printer is on fire\n");
    const [item] = await open((items) => items.length === 1, "one item");
    expect(WorkItemReport.parse(item)).toEqual(item);
    const { master } = await node.status();
    expect(item).toMatchObject({ kind: "error-file", queue: "swadmin", state: "new", priority: 50, occurrences: 1 });
    expect(item?.server).toBe(master);
    expect(item?.subject).toContain("logs/sw_error");
    expect(item?.summary).toContain("sw_error");
    expect(item?.summary).toContain(String(master));

    appendFileSync(file, "still burning\n");
    await open((items) => items.length === 1 && items[0]?.occurrences === 2, "a second occurrence");

    const released = await node.cli("workitem", "release", String(item?.caseNumber), "--note", "extinguished");
    expect(released.code, said(released)).toBe(0);
    expect(await node.items()).toEqual([]);
    const twice = await node.cli("workitem", "release", String(item?.caseNumber));
    expect(twice.code).toBe(1);

    renameSync(file, node.path("logs/sw_error20260101.log"));
    appendFileSync(file, "another fire\n");
    const [next] = await open((items) => items.length === 1, "a new item");
    expect(next?.caseNumber).not.toBe(item?.caseNumber);
    expect(next?.occurrences).toBe(1);
  });

  it("of the other kind is a warning", async () => {
    appendFileSync(node.path("logs/sw_warn"), "getting warm\n");
    const [item] = await open((items) => items.length === 1, "one item");
    expect(item).toMatchObject({ kind: "warn-file", severity: "warning" });
  });

  it("that is binary, huge or no file at all does not stop the sentinel", async () => {
    writeFileSync(
      node.path("logs/sw_error"),
      Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 37) % 256)),
    );
    await open((items) => items.some(({ kind }) => kind === "error-file"), "an item of the binary file");
    writeFileSync(node.path("logs/sw_warn"), "the first line\n");
    truncateSync(node.path("logs/sw_warn"), 200 * 1024 * 1024);
    await open((items) => items.some(({ kind }) => kind === "warn-file"), "an item of the 200 MB file");
    mkdirSync(node.path("logs/sw_error_directory"));
    symlinkSync("/etc/passwd", node.path("logs/sw_error_link"));
    const worker = node.part("worker");
    appendFileSync(node.path("logs/sw_error_after"), "alive\n");
    const items = await open((seen) => seen.some(({ subject }) => subject.endsWith("sw_error_after")), "the next file");
    expect(JSON.stringify(items)).not.toContain("root:x:0");
    expect(node.part("worker")).toBe(worker);
  });
});
