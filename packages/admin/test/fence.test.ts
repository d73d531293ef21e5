import { insert, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { fenceServer } from "../src/index.ts";
import { type Fixture, twoServers } from "./node-fixture.ts";

const ZEUS = { logical_machine_id: 2 };

/** Zeus has run, holds a grant, and has been silent for `silentMs`. */
async function lostZeus(silentMs: number, state = "down"): Promise<Fixture> {
  const fixture = await twoServers();
  const { gateway, clock } = fixture;
  const now = clock.now();
  await gateway.commit([
    insert("sentinel", { ...ZEUS, incarnation: 4, nonce: "n", started_at: now, last_seen_at: now, ended_at: null }),
    update("server_state", ZEUS, { state }),
    insert("server_grant", {
      ...ZEUS,
      generation: 3,
      incarnation: 4,
      members: "[1,2]",
      period_ms: 20_000,
      renewals: 17,
      revoked: false,
      ended: null,
      fencing: null,
    }),
  ]);
  clock.advance(silentMs);
  return fixture;
}

describe("a person fences a server", () => {
  it("that is down: its grant is over, and who said so is on record", async () => {
    const { ctx, gateway } = await lostZeus(60_000);
    expect(await fenceServer(ctx, "Zeus", true)).toEqual({ server: "zeus", id: 2, wasOver: false });
    expect(await gateway.find("server_grant")).toMatchObject([{ generation: 3, revoked: true, ended: "person" }]);
    expect(await gateway.find("audit_log")).toMatchObject([{ by_user: "ann", what: "server.fence" }]);
    expect(await fenceServer(ctx, "zeus", true)).toMatchObject({ wasOver: true });
    expect(await gateway.find("audit_log")).toHaveLength(1);
  });

  it("also one that never had a grant", async () => {
    const { ctx, gateway } = await lostZeus(60_000);
    await gateway.commit([{ kind: "delete", table: "server_grant", where: {}, expect: 1 }]);
    await fenceServer(ctx, "2", true);
    expect(await gateway.find("server_grant")).toMatchObject([{ generation: 1, revoked: true, ended: "person" }]);
  });

  it("not without saying so, not one that is up, and not one that has just shown that it lives", async () => {
    const down = await lostZeus(60_000);
    await expect(fenceServer(down.ctx, "zeus", false)).rejects.toMatchObject({ code: "NOT_CONFIRMED" });
    const up = await lostZeus(60_000, "up");
    await expect(fenceServer(up.ctx, "zeus", true)).rejects.toMatchObject({ code: "SERVER_UP" });
    const fresh = await lostZeus(5000);
    await expect(fenceServer(fresh.ctx, "zeus", true)).rejects.toMatchObject({ code: "SERVER_UP" });
    await expect(fenceServer(down.ctx, "hera", true)).rejects.toMatchObject({ code: "UNKNOWN_SERVER" });
    for (const { gateway } of [down, up, fresh]) {
      expect(await gateway.find("server_grant")).toMatchObject([{ revoked: false, ended: null }]);
    }
  });
});
