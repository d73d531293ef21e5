/** The part of the suite about several gateways on one database, as several servers have them, and about their end. */
import { describe, expect, it } from "vitest";
import { type Gateway, insert, remove, update } from "../gateway.ts";
import { nodeStateRow, serverRow } from "./rows.ts";

export function describeCompany(gateway: () => Gateway, open: () => Promise<Gateway>): void {
  describe("several gateways", () => {
    it("see what another committed", async () => {
      const other = await open();
      await gateway().commit([insert("node_cluster", serverRow(1))]);
      expect(await other.find("node_cluster")).toEqual([serverRow(1)]);
    });

    it("take an epoch once each: compare-and-swap has one winner a round", async () => {
      const rivals = [gateway(), await open(), await open(), await open()];
      await gateway().commit([insert("node_state", nodeStateRow())]);
      for (let epoch = 0; epoch < 8; epoch += 1) {
        const outcomes = await Promise.allSettled(
          rivals.map((rival, at) =>
            rival.commit([
              update("node_state", { id: 1, epoch }, { epoch: { add: 1 }, nonce: `rival-${at}`, fence: { add: 1 } }),
            ]),
          ),
        );
        const won = outcomes.flatMap((outcome, at) => (outcome.status === "fulfilled" ? [at] : []));
        expect(won).toHaveLength(1);
        const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [codeOf(outcome.reason)] : []));
        expect(lost).toEqual(["STORE_CONFLICT", "STORE_CONFLICT", "STORE_CONFLICT"]);
        const [state] = await gateway().find("node_state");
        expect(state).toMatchObject({ epoch: epoch + 1, fence: epoch + 1, nonce: `rival-${won[0]}` });
      }
    });

    it("lose no addition", async () => {
      const writers = [gateway(), await open(), await open()];
      await gateway().commit([insert("node_state", nodeStateRow())]);
      const add = update("node_state", { id: 1 }, { fence: { add: 1 } });
      await Promise.all(writers.flatMap((writer) => Array.from({ length: 20 }, () => writer.commit([add]))));
      expect((await gateway().find("node_state"))[0]?.fence).toBe(60);
    });
  });

  describe("a closed gateway", () => {
    it("finishes what was asked before, refuses what is asked after, and closes twice", async () => {
      const other = await open();
      const before = other.commit([insert("node_cluster", serverRow(1))]);
      await Promise.all([other.close(), other.close()]);
      expect(await before).toEqual([1]);
      await expect(other.find("node_cluster")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await expect(other.commit([remove("node_cluster", {})])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(await gateway().find("node_cluster")).toHaveLength(1);
    });
  });
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : thrown;
}
