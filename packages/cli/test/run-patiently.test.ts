import { CastellanError } from "@castellan/kernel";
import { insert, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { hasEndedInOrder, partingOf } from "../src/commands/down.ts";
import { runPatiently } from "../src/run-patiently.ts";
import { fakeIo, type Node, oneServer } from "./fixture.ts";

async function journal({ gateway, ctx }: Node, id: string): Promise<void> {
  const at = ctx.clock.now();
  await gateway.commit([
    insert("operation", {
      id,
      request_id: id,
      verb: "shutdown",
      target: "{}",
      options: "{}",
      requested_by: "bob",
      state: "done",
      result_text: null,
      epoch: 3,
      created_at: at,
      finished_at: at,
    }),
  ]);
}

const busy = (operationId?: string): string =>
  JSON.stringify({
    error: { code: "BUSY", message: "under way", retryable: true, details: { verb: "shutdown", operationId } },
  });

describe("a shutdown while another one is under way", () => {
  it("follows that to its end, and is carried out then", async () => {
    let theirs: string | null = "theirs";
    const node = await oneServer(() => {
      const answer = theirs === null ? JSON.stringify({ operationId: "ours" }) : busy(theirs);
      theirs = null;
      return answer;
    });
    for (const id of ["theirs", "ours"]) await journal(node, id);
    const invocation = { io: fakeIo(), json: false, timeoutMs: null };
    expect(await runPatiently(invocation, node.ctx, "shutdown", {})).toMatchObject({ id: "ours", state: "done" });
  });

  it("is refused when others always come first, or nobody knows who it is", async () => {
    let asked = 0;
    let word = busy("theirs");
    const node = await oneServer(() => {
      asked += 1;
      return word;
    });
    await journal(node, "theirs");
    const invocation = { io: fakeIo(), json: false, timeoutMs: null };
    await expect(runPatiently(invocation, node.ctx, "shutdown", {})).rejects.toMatchObject({ code: "BUSY" });
    expect(asked).toBe(21);
    word = busy();
    await expect(runPatiently(invocation, node.ctx, "shutdown", {})).rejects.toMatchObject({ code: "BUSY" });
    expect(asked).toBe(22);
  });

  it("is given up at once where nobody will answer any more", async () => {
    let asked = 0;
    const node = await oneServer(() => {
      asked += 1;
      throw new CastellanError("NOT_REACHABLE", "nobody listens");
    });
    const invocation = { io: fakeIo(), json: false, timeoutMs: null };
    const how = { isVain: () => Promise.resolve(asked === 2) };
    const shutdown = runPatiently(invocation, node.ctx, "shutdown", {}, how);
    await expect(shutdown).rejects.toMatchObject({ code: "NOT_REACHABLE", message: "nobody listens" });
    expect(asked).toBe(2);
  });

  it("is not followed either where nobody is there to carry it out", async () => {
    const node = await oneServer(() => JSON.stringify({ operationId: "ours" }));
    await journal(node, "ours");
    await node.gateway.commit([update("operation", { id: "ours" }, { state: "open", finished_at: null })]);
    const invocation = { io: fakeIo(), json: false, timeoutMs: null };
    const shutdown = runPatiently(invocation, node.ctx, "shutdown", {}, { isVain: () => Promise.resolve(true) });
    await expect(shutdown).rejects.toMatchObject({ code: "NOT_REACHABLE", details: { operationId: "ours" } });
  });
});

const member = (name: string, state: string, hasEnded = false) => ({ name, state, hasEnded, startedAt: null });

const parting = (names: readonly string[], ...others: readonly ReturnType<typeof member>[]) =>
  partingOf(names, [...names.map((name) => member(name, "up")), ...others]);

describe("which servers go while their node goes on", () => {
  it("is the one of its home that has fellow members, and several where others are up", () => {
    expect(parting(["hades"])).toEqual([]);
    expect(parting(["hades"], member("zeus", "down"))).toEqual(["hades"]);
    expect(parting(["hades", "zeus"])).toEqual([]);
    expect(parting(["hades", "zeus"], member("hera", "down"), member("ares", "up", true))).toEqual([]);
    expect(parting(["hades", "zeus"], member("hera", "suspect"))).toEqual(["hades", "zeus"]);
  });
});

describe("a server that has been taken down", () => {
  it("has ended in order also with a process that was given up on, while its node goes on", async () => {
    const { ctx, gateway } = await oneServer();
    const key = { logical_machine_id: 1, logical_process_name: "WEB", logical_process_instance: 1 };
    const at = ctx.clock.now();
    await gateway.commit([
      insert("sentinel", {
        logical_machine_id: 1,
        incarnation: 1,
        nonce: "n",
        started_at: at,
        last_seen_at: at,
        ended_at: at,
      }),
      update("process_config", key, { last_known_status: "SUSPENDED" }),
    ]);
    expect(await hasEndedInOrder(ctx, "hades")).toBe(true);
    await gateway.commit([update("process_config", key, { last_known_status: "RUNNING" })]);
    expect(await hasEndedInOrder(ctx, "hades")).toBe(false);
  });
});
