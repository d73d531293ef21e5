import { CastellanError } from "@castellan/kernel";
import type { OperationReport } from "@castellan/protocol";
import { type Gateway, insert, StoreUnavailable, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { submitOperation, watchOperation } from "../src/index.ts";
import { fakeBus, json, twoServers } from "./node-fixture.ts";

const unreachable = new CastellanError("NOT_REACHABLE", "nobody", { retryable: true });
const late = new CastellanError("TIMED_OUT", "late", { retryable: true });

const refusal = (code: string, details: object) => ({
  body: json({ error: { code, message: "", retryable: true, details } }),
});

describe("submitOperation", () => {
  it("asks the whole node and answers the operation's id", async () => {
    const bus = fakeBus(() => ({ body: json({ operationId: "op-1" }) }));
    const { ctx, gateway } = await twoServers(bus);
    expect(await submitOperation(ctx, "start", { server: "hades" })).toEqual({ operationId: "op-1" });
    expect(bus.requests).toMatchObject([
      { subject: "castellan.ips1.cmd.start", body: { target: { server: "hades" }, by: "ann", options: {} } },
    ]);
    expect(await gateway.find("audit_log")).toMatchObject([{ what: "operation.start", by_user: "ann" }]);
  });

  it("sends the same request again until somebody answers", async () => {
    let call = 0;
    const bus = fakeBus(() => {
      call += 1;
      if (call === 1) throw unreachable;
      if (call === 2) throw late;
      return { body: json({ operationId: "op-1" }) };
    });
    const { ctx } = await twoServers(bus);
    await submitOperation(ctx, "start", {}, { requestId: "r1" });
    expect(bus.requests.map((request) => request.body)).toEqual(
      Array.from({ length: 3 }, () => ({ requestId: "r1", target: {}, by: "ann", options: {} })),
    );
  });

  it("gives up at its deadline with the last reason", async () => {
    const waits: number[] = [];
    const bus = fakeBus((_subject, _body, timeoutMs) => {
      waits.push(timeoutMs);
      throw unreachable;
    });
    const { ctx, clock } = await twoServers(bus);
    const before = clock.bootMs();
    await expect(submitOperation(ctx, "start", {}, { timeoutMs: 3000 })).rejects.toBe(unreachable);
    expect(clock.bootMs() - before).toBeGreaterThan(2000);
    expect(clock.bootMs() - before).toBeLessThanOrEqual(3000);
    expect(Math.max(...waits)).toBe(2000);
    expect(waits.at(-1)).toBeLessThanOrEqual(3000 - (clock.bootMs() - before));
  });

  it("passes a refusal on at once, with its code", async () => {
    const error = { code: "UNKNOWN_TYPE", message: "no type WSI", retryable: false, details: { meant: "WIS" } };
    const bus = fakeBus(() => ({ body: json({ error }) }));
    const { ctx } = await twoServers(bus);
    await expect(submitOperation(ctx, "start", {})).rejects.toMatchObject(error);
    expect(bus.requests).toHaveLength(1);
  });

  it("waits for what passes by itself: a change of master, and dependents that follow a death", async () => {
    let call = 0;
    const bus = fakeBus(() => {
      call += 1;
      if (call === 1) return refusal("NOT_MASTER", {});
      if (call === 2) return refusal("NOT_REACHABLE", {}); // it was just ending
      return call === 3 ? refusal("BUSY", { verb: "follow" }) : { body: json({ operationId: "op-1" }) };
    });
    const { ctx } = await twoServers(bus);
    expect(await submitOperation(ctx, "start", {})).toEqual({ operationId: "op-1" });

    const never = fakeBus(() => refusal("BUSY", { verb: "follow" }));
    const patient = await twoServers(never);
    await expect(submitOperation(patient.ctx, "start", {}, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: "BUSY",
    });
    expect(patient.clock.bootMs()).toBeLessThanOrEqual(1000);
    const other = await twoServers(fakeBus(() => refusal("BUSY", { verb: "start" })));
    await expect(submitOperation(other.ctx, "start", {})).rejects.toMatchObject({ code: "BUSY" });
    expect(other.clock.bootMs()).toBe(0);
  });

  it("says when the answer makes no sense, and when there is no bus", async () => {
    const { ctx } = await twoServers(fakeBus(() => ({ body: json({ hello: 1 }) })));
    await expect(submitOperation(ctx, "start", {})).rejects.toMatchObject({ code: "BAD_REPLY" });
    await expect(submitOperation({ ...ctx, bus: null }, "start", {})).rejects.toMatchObject({ code: "NOT_REACHABLE" });
  });
});

async function journaled() {
  const fixture = await twoServers();
  const at = fixture.clock.now();
  const step = {
    operation_id: "op",
    logical_machine_id: 1,
    logical_process_name: "WEB",
    desired: "RUNNING",
    depends_on: "[]",
    epoch: 3,
    launch_id: "l",
    claimed_by: null,
    claimed_at: null,
    finished_at: null,
    result_text: null,
  };
  await fixture.gateway.commit([
    insert("operation", {
      id: "op",
      request_id: "r",
      verb: "start",
      target: '{"server":"hades"}',
      options: "{}",
      requested_by: "ann",
      state: "open",
      result_text: null,
      epoch: 3,
      created_at: at,
      finished_at: null,
    }),
    insert("operation_step", { ...step, id: "s1", seq: 1, logical_process_instance: 1, state: "ready" }),
    insert("operation_step", { ...step, id: "s2", seq: 2, logical_process_instance: 2, state: "pending" }),
  ]);
  return fixture;
}

const finish = (gateway: Gateway, state: string) =>
  gateway.commit([
    update("operation_step", { operation_id: "op" }, { state: "done", result_text: "started" }, "any"),
    update("operation", { id: "op" }, { state, result_text: "2 started", finished_at: new Date(0) }),
  ]);

describe("watchOperation", () => {
  it("reports what is there, then each change once, then ends", async () => {
    const { ctx, gateway } = await journaled();
    const seen: OperationReport[] = [];
    let looks = 0;
    const slow: Gateway = {
      ...gateway,
      async find(table, query) {
        if (table === "operation") looks += 1;
        if (table === "operation" && looks === 5) await finish(gateway, "done");
        return gateway.find(table, query);
      },
    };
    const last = await watchOperation({ ...ctx, gateway: slow }, "op", (report) => seen.push(report), 60_000);
    expect(seen.map((report) => report.steps.map((step) => step.state).join())).toEqual(["ready,pending", "done,done"]);
    expect(last).toMatchObject({ state: "done", result: "2 started", target: { server: "hades" }, by: "ann" });
    expect(last.steps[0]).toEqual({
      server: "hades",
      type: "WEB",
      instance: 1,
      desired: "RUNNING",
      state: "done",
      result: "started",
    });
  });

  it("times out, saying that the operation goes on", async () => {
    const { ctx } = await journaled();
    await expect(watchOperation(ctx, "op", () => undefined, 2000)).rejects.toMatchObject({
      code: "TIMED_OUT",
      message: "operation op has not ended within 2 s; it goes on",
    });
  });

  it("knows an operation that is not there", async () => {
    const { ctx } = await journaled();
    await expect(watchOperation(ctx, "nope", () => undefined, 2000)).rejects.toMatchObject({
      code: "NO_SUCH_OPERATION",
    });
  });

  it("goes on while the database is away", async () => {
    const { ctx, gateway } = await journaled();
    let looks = 0;
    const flaky: Gateway = {
      ...gateway,
      find: (table, query) => {
        looks += 1;
        if (looks > 3 && looks < 9) return Promise.reject(new StoreUnavailable("away"));
        return gateway.find(table, query);
      },
    };
    const watching = watchOperation({ ...ctx, gateway: flaky }, "op", () => void finish(gateway, "failed"), 60_000);
    await expect(watching).resolves.toMatchObject({ state: "failed" });
    expect(looks).toBeGreaterThan(9);
  });
});
