import { StatusReport } from "@castellan/protocol";
import { insert, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { applySpec } from "../src/index.ts";
import { STALE_AFTER_MS, status } from "../src/read.ts";
import { type Fixture, fakeBus, spec, twoServers } from "./node-fixture.ts";

const config = { logical_machine_id: 1, logical_process_name: "WEB", logical_process_instance: 2 };

async function living(): Promise<Fixture> {
  const fixture = await twoServers(fakeBus(() => ({})));
  const { ctx, gateway, clock } = fixture;
  await applySpec(
    ctx,
    spec({ types: { WEB: { command: ["w"] }, DB: { command: ["d"] } }, servers: { hades: { WEB: 2, DB: 1 } } }),
  );
  const now = clock.now();
  await gateway.commit([
    insert("sentinel", {
      logical_machine_id: 1,
      incarnation: 4,
      nonce: "n",
      started_at: now,
      last_seen_at: now,
      ended_at: null,
    }),
    insert("running_processes", { ...config, process_id: 4711, port_number: 0 }),
    update("process_config", config, {
      last_known_status: "RUNNING",
      status_comment: "ready",
      held: false,
      status_since: now,
      restarts: 2,
    }),
  ]);
  return fixture;
}

describe("status", () => {
  it("reports the contract's shape", async () => {
    const { ctx, clock } = await living();
    const report = await status(ctx);
    expect(StatusReport.parse(report)).toEqual(report);
    expect(report).toMatchObject({ node: "ips1", state: "RUNNING", epoch: 3, master: "hades", stale: false });
    expect(report.servers.map((s) => `${s.id} ${s.name} ${s.role}`)).toEqual(["1 hades master", "2 zeus slave"]);
    expect(report.servers[0]?.processes.map((p) => `${p.type} ${p.instance}`)).toEqual(["DB 1", "WEB 1", "WEB 2"]);
    expect(report.servers[0]?.processes[2]).toEqual({
      type: "WEB",
      instance: 2,
      status: "RUNNING",
      enabled: true,
      persistent: true,
      pid: 4711,
      since: clock.now().toISOString(),
      restarts: 2,
      comment: "ready",
    });
    expect(report.servers[1]).toMatchObject({ lastSeen: null, processes: [] });
  });

  it("is stale without the bus, and when the master's sentinel has not been heard of", async () => {
    const { ctx, clock } = await living();
    expect((await status({ ...ctx, bus: null })).stale).toBe(true);
    const deaf = { ...fakeBus(() => ({})), reachable: () => Promise.resolve(false) };
    expect((await status({ ...ctx, bus: deaf })).stale).toBe(true);
    clock.advance(STALE_AFTER_MS);
    expect((await status(ctx)).stale).toBe(false);
    clock.advance(1);
    expect((await status(ctx)).stale).toBe(true);
  });

  it("doubts the processes of a server that is missed, and of no other", async () => {
    const { ctx, gateway } = await living();
    const after = async (state: string, endedAt: Date | null): Promise<boolean | undefined> => {
      await gateway.commit([
        update("server_state", { logical_machine_id: 1 }, { state }),
        update("sentinel", { logical_machine_id: 1 }, { ended_at: endedAt }),
      ]);
      return (await status(ctx)).servers[0]?.stale;
    };
    expect(await after("up", null)).toBe(false);
    expect(await after("suspect", null)).toBe(true);
    expect(await after("down", null)).toBe(true);
    expect(await after("isolated", null)).toBe(true);
    expect(await after("down", ctx.clock.now())).toBe(false);
  });

  it("is stale while there is no master", async () => {
    const { ctx, gateway } = await living();
    await gateway.commit([update("node_state", { id: 1 }, { master_id: null })]);
    expect(await status(ctx)).toMatchObject({ master: null, stale: true });
  });
});
