import type { PlanPreview } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { formatPreview, rangesOf } from "../src/format/preview.ts";
import { createStyle } from "../src/format/style.ts";
import { oneServer } from "./fixture.ts";

const step = (type: string, instance: number, status: "RUNNING" | "STOPPED" | null = "RUNNING") =>
  ({ server: "hades", type, instance, desired: "STOPPED", status }) as const;

const preview: PlanPreview = {
  note: null,
  supersedes: [],
  waves: [[step("TOP", 1)], [step("MID", 1), step("MID", 2), step("MID", 3, "STOPPED")], [step("BASE", 1)]],
};

describe("a plan for people", () => {
  it("numbers the waves and takes together what is alike", () => {
    expect(formatPreview("stop", preview, createStyle(false))).toBe(
      [
        "  1. stop    hades TOP 1  (RUNNING)",
        "  2. stop    hades MID 1-2  (RUNNING)",
        "     stop    hades MID 3  (STOPPED)",
        "  3. stop    hades BASE 1  (RUNNING)",
        "stop would touch 5 processes in 3 waves; nothing was done",
        "",
      ].join("\n"),
    );
  });

  it("says why there is nothing to do, and what would be ended", () => {
    const nothing = {
      note: "nothing to do: no instance is defined",
      supersedes: ["start of the node (op)"],
      waves: [],
    };
    expect(formatPreview("stop", nothing, createStyle(false))).toBe(
      "warning: this would end the start of the node (op)\nnothing to do: no instance is defined\n",
    );
  });

  it("writes numbers in a row as ranges", () => {
    expect(rangesOf([3, 1, 2, 7, 9, 10])).toBe("1-3, 7, 9-10");
  });
});

describe("castellan plan", () => {
  it("asks the master, and leaves no trace of an operation", async () => {
    const asked: string[] = [];
    const node = await oneServer((subject, body) => {
      asked.push(`${subject} ${body}`);
      return JSON.stringify(preview);
    });
    const { code, stdout } = await node.castellan(["plan", "stop", "hades", "TOP"]);
    expect(code).toBe(0);
    expect(stdout).toContain("stop would touch 5 processes in 3 waves");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^castellan\.ips1\.req\.master\.conductor\.-\.preview /);
    expect(asked[0]).toContain('"verb":"shutdown"');
    expect(await node.gateway.find("operation")).toEqual([]);
  });

  it("needs a node that is up", async () => {
    const node = await oneServer();
    const { code, stderr } = await node.castellan(["plan", "start"]);
    expect(code).toBe(3);
    expect(stderr).toContain("castellan up");
  });
});

describe("castellan explain", () => {
  it("reads the schema alone: it answers with the bus down", async () => {
    const node = await oneServer();
    const { code, stdout } = await node.castellan(["explain", "hades", "web", "2"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^WEB 2 on hades: STOPPED\n {2}server hades is down: .*\n {2}it has never been started; `castellan start hades WEB 2` does\n/,
    );
    expect(stdout).toContain("command    web");
    expect(stdout).toMatch(/PROCESS_MAX_RESTARTS +5 +default/);
    expect((await node.castellan(["explain", "WEB"])).stdout).toMatch(/WEB 1 on hades.*WEB 2 on hades.*type WEB/s);
  });
});
