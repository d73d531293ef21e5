import { createActorSystem } from "@castellan/actor";
import { createManualClock } from "@castellan/actor/testing";
import { createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import { type Alert, type AlertPhase, ProcessType } from "@castellan/protocol";
import { insert, newInstance, remove, update, writeDefinition } from "@castellan/store";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createForegroundWatch } from "../../src/operation/foreground-watch.ts";
import { mayMoveAgain, movePauseMs, triedAgain, whatMoves } from "../../src/operation/move-again.ts";
import { twoServers } from "../role/gateways.ts";
import { typeOf } from "./views.ts";

const at = (id: number) => insert("process_config", newInstance({ serverId: id, type: "FRONT", instance: 1 }));

/** Zeus is master, and the foreground is on hades. */
async function rig() {
  const clock = createManualClock();
  const { gateway, hades, zeus } = await twoServers(clock);
  const definition = writeDefinition(typeOf({ layer: "foreground" }));
  await gateway.commit([
    insert("process_type", { logical_process_name: "FRONT", definition, row_version: 1 }),
    at(hades),
    update("node_state", { id: 1 }, { master_id: zeus }),
  ]);
  const newId = createIdSource(clock, createSeededRng(1));
  const system = createActorSystem({ host: "zeus", clock, rng: createSeededRng(1), newId, logger: silentLogger });
  const told: string[] = [];
  const alerts = {
    async report(phase: AlertPhase, { summary }: Alert) {
      told.push(`${phase}: ${summary}`);
    },
  };
  system.spawn(createForegroundWatch({ gateway, server: "zeus", alerts }), "foreground-watch");
  const move = (state: string) =>
    insert("operation", {
      id: "op-1",
      request_id: "move-1",
      verb: "move",
      target: "{}",
      options: "{}",
      requested_by: "castellan",
      state,
      result_text: null,
      epoch: 1,
      created_at: clock.now(),
      finished_at: null,
    });
  return { clock, gateway, hades, zeus, told, move };
}

const ASTRAY =
  "raised: the foreground does not come to zeus, which is master: FRONT 1 on hades; see what keeps it (castellan explain)";

describe("the watch over the foreground", () => {
  it("tells that it does not come to the master, once, and that it has come", async () => {
    const { clock, gateway, hades, zeus, told } = await rig();
    await clock.run(110_000);
    expect(told).toEqual([]);
    await clock.run(60_000);
    expect(told).toEqual([ASTRAY]);
    await gateway.commit([remove("process_config", { logical_machine_id: hades }), at(zeus)]);
    await clock.run(30_000);
    expect(told).toEqual([ASTRAY, "resolved: the foreground is where the master is"]);
    await clock.run(300_000);
    expect(told).toHaveLength(2);
  });

  it("waits for a move that is under way", async () => {
    const { clock, gateway, told, move } = await rig();
    await gateway.commit([move("open")]);
    await clock.run(600_000);
    expect(told).toEqual([]);
    await gateway.commit([update("operation", { id: "op-1" }, { state: "failed" })]);
    await clock.run(30_000);
    expect(told).toEqual([ASTRAY]);
  });
});

const types = (command: string, other = "b") =>
  new Map([
    ["FRONT", ProcessType.parse({ layer: "foreground", command: [command] })],
    ["BACK", ProcessType.parse({ command: [other] })],
  ]);

describe("a move that has not brought it", () => {
  it("is tried again ever less often, and never later than ten minutes", () => {
    expect([1, 2, 3, 4].map(movePauseMs)).toEqual([15_000, 30_000, 60_000, 120_000]);
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(), (count, nowMs) => {
        expect(movePauseMs(count)).toBeLessThanOrEqual(600_000);
        expect(movePauseMs(count + 1)).toBeGreaterThanOrEqual(movePauseMs(count));
        const tries = triedAgain({ what: "a", count, lastMs: 0 }, "a", nowMs);
        expect(mayMoveAgain(undefined, "a", nowMs)).toBe(true);
        expect(mayMoveAgain(tries, "a", nowMs)).toBe(false);
        expect(mayMoveAgain(tries, "a", nowMs + 600_000)).toBe(true);
      }),
    );
  });

  it("is tried at once when its definition or one of its instances has been changed", () => {
    const front = { type: "FRONT", instance: 1, enabled: true };
    const back = { type: "BACK", instance: 1, enabled: true };
    const what = whatMoves([front], types("a"));
    const tries = triedAgain({ what, count: 9, lastMs: 0 }, what, 1);
    expect(mayMoveAgain(tries, whatMoves([front], types("a", "c")), 2)).toBe(false);
    for (const changed of [
      whatMoves([front], types("b")),
      whatMoves([{ ...front, enabled: false }], types("a")),
      whatMoves([front, back], types("a")),
    ]) {
      expect(mayMoveAgain(tries, changed, 2)).toBe(true);
      expect(triedAgain(tries, changed, 2)).toEqual({ what: changed, count: 1, lastMs: 2 });
    }
  });
});
