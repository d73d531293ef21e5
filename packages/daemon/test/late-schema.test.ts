import { createManualClock } from "@castellan/actor/testing";
import { CastellanError, silentLogger } from "@castellan/kernel";
import { StoreUnavailable } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { describe, expect, it } from "vitest";
import { openLateSchema } from "../src/schema/late-schema.ts";
import type { Membership } from "../src/schema/ledger.ts";

const KNOWN: Membership = { serverId: 2, incarnation: 6 };

function rig(known: Membership | null, now: () => Membership = () => ({ serverId: 2, incarnation: 7 })) {
  const clock = createManualClock();
  const ending = new AbortController();
  const made = { clock, ending, isThere: false, joins: 0, refusals: [] as string[] };
  const opening = openLateSchema({
    async open() {
      if (!made.isThere) throw new StoreUnavailable("away");
      return createMemoryGateway();
    },
    async join() {
      made.joins += 1;
      return now();
    },
    known,
    refused: (error) => made.refusals.push(error.message),
    clock,
    log: silentLogger,
    signal: ending.signal,
  });
  return Object.assign(made, { opening });
}
const notAMember = (): never => {
  throw new CastellanError("NOT_A_MEMBER", "no member");
};
const isOver = async (promise: Promise<unknown>): Promise<boolean> =>
  await Promise.race([promise.then(() => true), Promise.resolve(false)]);

describe("the schema of a worker", () => {
  it("is waited for by one who does not know who he is", async () => {
    const worker = rig(null);
    await worker.clock.run(60_000);
    expect(await isOver(worker.opening)).toBe(false);
    worker.isThere = true;
    await worker.clock.run(1000);
    expect((await worker.opening).membership()).toEqual({ serverId: 2, incarnation: 7 });
  });

  it("is not waited for long by one who knows; until it is there, nothing is written and nothing read", async () => {
    const worker = rig(KNOWN);
    await worker.clock.run(2000);
    const schema = await worker.opening;
    expect(schema.membership()).toEqual(KNOWN);
    await expect(schema.gateway.find("nodes")).rejects.toMatchObject({ retryable: true });
    await expect(schema.gateway.commit([])).rejects.toBeInstanceOf(StoreUnavailable);
    worker.isThere = true;
    await worker.clock.run(1000);
    await schema.joined;
    expect(schema.membership().incarnation).toBe(7);
    expect(await schema.gateway.find("nodes")).toEqual([]);
    expect(worker.joins).toBe(1);
  });

  it("ends a worker that is no member, or another server, and not one whom nobody knows it of yet", async () => {
    const early = rig(KNOWN, notAMember);
    early.isThere = true;
    const refused = expect(early.opening).rejects.toMatchObject({ code: "NOT_A_MEMBER" });
    await early.clock.run(1000);
    await refused;

    for (const now of [notAMember, () => ({ serverId: 3, incarnation: 1 })]) {
      const late = rig(KNOWN, now);
      await late.clock.run(2000);
      const { joined } = await late.opening;
      const refused = expect(joined).rejects.toBeInstanceOf(CastellanError);
      late.isThere = true;
      await late.clock.run(1000);
      await refused;
      expect(late.refusals).toHaveLength(1);
    }
  });

  it("is what the schema says, when it is there in time", async () => {
    const worker = rig(KNOWN, () => ({ serverId: 3, incarnation: 1 }));
    worker.isThere = true;
    await worker.clock.run(1000);
    expect((await worker.opening).membership().serverId).toBe(3);
  });
});
