import { readWorkQueues } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { applySpec } from "../src/index.ts";
import { spec, twoServers } from "./node-fixture.ts";

const duty = { members: ["ann", "bob"], deadlines: { critical: "5m", error: "none" } };

describe("queues of a spec", () => {
  it("are applied with every default filled in, changed by name, and left alone when not named", async () => {
    const { ctx, gateway } = await twoServers();
    const first = await applySpec(ctx, spec({ queues: { swadmin: { escalateTo: "duty" }, duty } }));
    expect(first.queues.map(({ name, change }) => `${change} ${name}`)).toEqual(["added swadmin", "added duty"]);
    expect((await readWorkQueues(gateway)).get("duty")).toEqual({
      members: ["ann", "bob"],
      deadlines: { info: null, warning: 86_400_000, error: null, critical: 300_000 },
      escalateTo: null,
    });
    const second = await applySpec(ctx, spec({ queues: { duty: { ...duty, members: ["ann"] } } }));
    expect(second.queues).toMatchObject([{ name: "duty", change: "changed", fields: ["members"] }]);
    expect((await applySpec(ctx, spec({ queues: { swadmin: { escalateTo: "duty" } } }))).queues).toEqual([]);
    expect([...(await readWorkQueues(gateway)).keys()].sort()).toEqual(["duty", "swadmin"]);
    expect(await gateway.find("audit_log")).toHaveLength(2);
  });

  it("are replaced when what is stored cannot be read", async () => {
    const { ctx, gateway } = await twoServers();
    await gateway.commit([
      { kind: "insert", table: "work_queue", row: { queue_name: "duty", definition: "{", row_version: 4 } },
    ]);
    expect((await readWorkQueues(gateway)).get("duty")?.members).toEqual([]);
    await applySpec(ctx, spec({ queues: { duty } }));
    expect(await gateway.find("work_queue")).toMatchObject([{ row_version: 5 }]);
  });

  it.each([
    [{ a: { escalateTo: "b" } }, "UNKNOWN_QUEUE", "queues.a.escalateTo names queue b, which is not defined"],
    [{ a: { escalateTo: "a" } }, "ESCALATION_CYCLE", "a -> a"],
    [
      { a: { escalateTo: "b" }, b: { escalateTo: "c" }, c: { escalateTo: "a" } },
      "ESCALATION_CYCLE",
      "a -> b -> c -> a",
    ],
    [{ a: { escalateTo: "b" }, b: { escalateTo: "b" } }, "ESCALATION_CYCLE", "b -> b"],
  ])("are refused as a whole: %j", async (queues, code, message) => {
    const { ctx, gateway } = await twoServers();
    await expect(applySpec(ctx, spec({ queues }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(await gateway.find("work_queue")).toEqual([]);
  });

  it.each([
    [{ Duty: {} }, "lower-case"],
    [{ duty: { members: ["a\nb"] } }, "control character"],
    [{ duty: { deadlines: { error: 30 } } }, "write a duration (`4h`) or `none`"],
    [{ duty: { deadlines: { fatal: "1h" } } }, "fatal"],
    [{ duty: { escalate: "x" } }, "escalate"],
  ])("are checked before: %j", (queues, message) => {
    expect(() => spec({ queues })).toThrow(message);
  });
});
