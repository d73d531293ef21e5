import { createManualClock } from "@castellan/actor/testing";
import { insert, type Row, update } from "@castellan/store";
import { setMark } from "@castellan/store/copy";
import { createMemoryGateway } from "@castellan/store/memory";
import { describe, expect, it } from "vitest";
import { takeIncarnation } from "../../src/role/incarnation.ts";
import { fence, takeOver } from "../../src/role/mastership.ts";
import { codeOf, createFlaky, type Fate, twoServers } from "./gateways.ts";

const clock = createManualClock();
const now = clock.now();

function operationRow(id: string, state: string): Row<"operation"> {
  return {
    id,
    request_id: id,
    verb: "start",
    target: "{}",
    options: "{}",
    requested_by: "ann",
    state,
    result_text: null,
    epoch: 0,
    created_at: now,
    finished_at: null,
  };
}

function stepRow(operation: string, seq: number, state: string): Row<"operation_step"> {
  return {
    id: `${operation}-${seq}`,
    operation_id: operation,
    seq,
    logical_machine_id: 1,
    logical_process_name: "BG",
    logical_process_instance: seq,
    desired: "RUNNING",
    depends_on: "[]",
    state,
    epoch: 0,
    launch_id: `launch-${operation}-${seq}`,
    claimed_by: null,
    claimed_at: null,
    finished_at: null,
    result_text: null,
  };
}

const epochs = (rows: readonly { epoch: number }[]) => rows.map(({ epoch }) => epoch);

describe("taking mastership", () => {
  it("makes a new epoch each time, moves the one flag, and marks what is open", async () => {
    const { gateway, hades, zeus } = await twoServers(clock);
    await gateway.commit([
      insert("operation", operationRow("open", "open")),
      insert("operation", operationRow("old", "done")),
      ...["pending", "ready", "claimed", "done"].map((state, at) =>
        insert("operation_step", stepRow("open", at + 1, state)),
      ),
    ]);
    expect(await takeOver(gateway, { serverId: hades, nonce: "n1", now })).toEqual({ kind: "master", epoch: 1 });
    expect(await takeOver(gateway, { serverId: hades, nonce: "n2", now })).toEqual({ kind: "master", epoch: 2 });
    expect(await takeOver(gateway, { serverId: zeus, nonce: "n3", now })).toEqual({ kind: "master", epoch: 3 });
    const masters = await gateway.find("node_cluster", { where: { master: true } });
    expect(masters.map((row) => row.logical_machine_id)).toEqual([zeus]);
    expect(epochs(await gateway.find("operation", { orderBy: [{ column: "id" }] }))).toEqual([0, 3]);
    expect(epochs(await gateway.find("operation_step", { orderBy: [{ column: "seq" }] }))).toEqual([3, 3, 3, 0]);
  });

  it("notes how it was taken, and to whom it returned, until a person moves it", async () => {
    const { gateway, hades, zeus } = await twoServers(clock);
    const noted = async (): Promise<unknown> => {
      const [row] = await gateway.find("node_state");
      return [row?.master_id, row?.handover, row?.returned_to];
    };
    await takeOver(gateway, { serverId: zeus, nonce: "n1", now });
    expect(await noted()).toEqual([zeus, "unplanned", null]);
    await takeOver(gateway, { serverId: hades, nonce: "n2", now, handover: "planned", returns: true });
    expect(await noted()).toEqual([hades, "planned", hades]);
    await takeOver(gateway, { serverId: zeus, nonce: "n3", now });
    expect(await noted()).toEqual([zeus, "unplanned", hades]);
    await takeOver(gateway, { serverId: hades, nonce: "n4", now, handover: "planned" });
    expect(await noted()).toEqual([hades, "planned", null]);
  });

  it("is refused in a schema that does not count any more, whenever that was said", async () => {
    const { database, gateway, hades } = await twoServers(clock);
    const mark = { moveId: "m", state: "leaving", other: "postgres://db/ips1", changedAt: now } as const;
    const leave = () => gateway.commit([setMark(null, mark), update("node_state", { id: 1 }, { epoch: { add: 1 } })]);
    const late = createFlaky(database);
    late.before = leave;
    expect(await codeOf(takeOver(late.gateway, { serverId: hades, nonce: "n", now }))).toBe("no refusal");
    expect((await gateway.find("node_state"))[0]).toMatchObject({ epoch: 1, master_id: null, nonce: null });
    expect(await codeOf(takeOver(gateway, { serverId: hades, nonce: "n", now }))).toBe("SCHEMA_MOVED");
    expect((await gateway.find("node_state"))[0]).toMatchObject({ epoch: 1, master_id: null, nonce: null });
  });

  it("is lost to who was faster, and fences the slower one's writes", async () => {
    const { database, gateway, hades, zeus } = await twoServers(clock);
    const slow = createFlaky(database);
    slow.before = () => takeOver(gateway, { serverId: zeus, nonce: "fast", now });
    expect(await takeOver(slow.gateway, { serverId: hades, nonce: "slow", now })).toEqual({
      kind: "lost",
      epoch: 1,
      masterId: zeus,
    });
    expect(await codeOf(gateway.commit([fence(0)]))).toBe("STORE_CONFLICT");
    expect(await codeOf(gateway.commit([fence(1)]))).toBe("no refusal");
  });

  it.each<[Fate[], number]>([
    [["kept"], 1],
    [["lost"], 1],
    [["lost", "kept"], 1],
    [["lost", "lost", "ok"], 1],
  ])("knows what became of an ambiguous commit (%j)", async (fates, epoch) => {
    const { database, gateway, hades } = await twoServers(clock);
    const flaky = createFlaky(database);
    flaky.fates.push(...fates);
    expect(await takeOver(flaky.gateway, { serverId: hades, nonce: "n", now })).toEqual({ kind: "master", epoch });
    expect((await gateway.find("node_state"))[0]).toMatchObject({ epoch, master_id: hades, nonce: "n" });
  });

  it("passes a lasting doubt on", async () => {
    const { database, hades } = await twoServers(clock);
    const flaky = createFlaky(database);
    flaky.fates.push("lost", "lost", "lost", "lost");
    expect(await codeOf(takeOver(flaky.gateway, { serverId: hades, nonce: "n", now }))).toBe("STORE_AMBIGUOUS");
  });

  it("is refused to who is no member, and where there is no node", async () => {
    const { gateway } = await twoServers(clock);
    expect(await codeOf(takeOver(gateway, { serverId: 99, nonce: "n", now }))).toBe("NOT_A_MEMBER");
    expect((await gateway.find("node_state"))[0]?.epoch).toBe(0);
    expect(await codeOf(takeOver(createMemoryGateway(), { serverId: 1, nonce: "n", now }))).toBe("NODE_MISSING");
  });
});

describe("taking an incarnation", () => {
  it("counts the starts of a server, each server for itself", async () => {
    const { gateway, hades, zeus } = await twoServers(clock);
    expect(await takeIncarnation(gateway, { serverId: hades, nonce: "a", program: "0.2.0", now })).toBe(1);
    expect(await takeIncarnation(gateway, { serverId: hades, nonce: "b", program: "0.2.0", now })).toBe(2);
    expect(await takeIncarnation(gateway, { serverId: zeus, nonce: "c", program: "0.2.0", now })).toBe(1);
  });

  it("gives two workers that start together two numbers", async () => {
    const { database, gateway, hades } = await twoServers(clock);
    for (const expected of [2, 4]) {
      const flaky = createFlaky(database);
      flaky.before = () =>
        takeIncarnation(gateway, { serverId: hades, nonce: `fast${expected}`, program: "0.2.0", now });
      expect(
        await takeIncarnation(flaky.gateway, { serverId: hades, nonce: `slow${expected}`, program: "0.2.0", now }),
      ).toBe(expected);
    }
  });

  it.each<[Fate[], number]>([
    [["kept"], 1],
    [["lost"], 1],
    [["lost", "lost", "lost", "lost", "kept"], 1],
  ])("takes one number however doubtful its commit (%j)", async (fates, incarnation) => {
    const { database, gateway, hades } = await twoServers(clock);
    const flaky = createFlaky(database);
    flaky.fates.push(...fates);
    expect(await takeIncarnation(flaky.gateway, { serverId: hades, nonce: "n", program: "0.2.0", now })).toBe(
      incarnation,
    );
    expect((await gateway.find("sentinel"))[0]).toMatchObject({ incarnation, nonce: "n" });
  });

  it("is refused to who is no member", async () => {
    const { gateway } = await twoServers(clock);
    expect(await codeOf(takeIncarnation(gateway, { serverId: 99, nonce: "n", program: "0.2.0", now }))).toBe(
      "NOT_A_MEMBER",
    );
  });
});
