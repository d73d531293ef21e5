import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AGAIN_MS, decideServerAlerts, RESOLVE_AGAIN_MS, type ServerStanding } from "../../src/role/server-alerts.ts";

const zeus = (change: Partial<ServerStanding>): ServerStanding => ({
  name: "zeus",
  standing: "fine",
  isNew: false,
  openCause: null,
  ...change,
});
const none = new Map();
const whats = (decided: ReturnType<typeof decideServerAlerts>) => decided.tell.map(({ what }) => what);

describe("what is told of a server", () => {
  it("is its loss, once; and that it is back, once", () => {
    const lost = decideServerAlerts([zeus({ standing: "lost", isNew: true })], none, 0);
    expect(whats(lost)).toEqual(["raised"]);
    const still = decideServerAlerts([zeus({ standing: "lost" })], lost.told, 1000);
    expect(whats(still)).toEqual([]);
    const back = decideServerAlerts([zeus({ openCause: "c" })], still.told, 2000);
    expect(back.tell).toEqual([{ name: "zeus", what: "resolved", cause: "c" }]);
    expect(whats(decideServerAlerts([zeus({ openCause: "c" })], back.told, 3000))).toEqual([]);
    expect(whats(decideServerAlerts([zeus({})], back.told, 2000 + RESOLVE_AGAIN_MS))).toEqual([]);
  });

  it("goes on from what the last master has told", () => {
    expect(whats(decideServerAlerts([zeus({ standing: "lost", openCause: "c" })], none, 0))).toEqual([]);
    expect(whats(decideServerAlerts([zeus({ standing: "lost" })], none, 0))).toEqual(["reasserted"]);
    expect(whats(decideServerAlerts([zeus({ openCause: "c" })], none, 0))).toEqual(["resolved"]);
  });

  it("comes again a while after a person has released it", () => {
    const { told } = decideServerAlerts([zeus({ standing: "lost", isNew: true })], none, 0);
    expect(whats(decideServerAlerts([zeus({ standing: "lost" })], told, AGAIN_MS - 1))).toEqual([]);
    expect(whats(decideServerAlerts([zeus({ standing: "lost" })], told, AGAIN_MS))).toEqual(["reasserted"]);
  });

  it("is nothing while it is not sure, and its end is not forgotten meanwhile", () => {
    const lost = decideServerAlerts([zeus({ standing: "lost", isNew: true })], none, 0);
    const unsure = decideServerAlerts([zeus({ standing: "unsure", openCause: "c" })], lost.told, 1000);
    expect(whats(unsure)).toEqual([]);
    expect(whats(decideServerAlerts([zeus({})], unsure.told, 2000))).toEqual(["resolved"]);
  });

  it("leaves one open item for every lost server and none for another, whenever masters change", () => {
    const look = fc.record({
      isLost: fc.boolean(),
      isNewMaster: fc.boolean(),
      arrives: fc.boolean(),
      afterMs: fc.integer({ min: 1000, max: 5000 }),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
        let told: ReadonlyMap<string, { what: "lost" | "fine"; atMs: number }> = new Map();
        let open = false;
        let created = 0;
        let nowMs = 0;
        let wasLost = false;
        let queue: string[] = [];
        const decide = (isLost: boolean): void => {
          const decided = decideServerAlerts(
            [zeus({ standing: isLost ? "lost" : "fine", isNew: isLost !== wasLost, openCause: open ? "c" : null })],
            told,
            nowMs,
          );
          wasLost = isLost;
          told = decided.told;
          queue.push(...whats(decided));
        };
        const arrive = (): void => {
          for (const what of queue) {
            if (what === "resolved") open = false;
            else if (!open) {
              open = true;
              created += 1;
            }
          }
          queue = [];
        };
        let losses = 0;
        for (const { isLost, isNewMaster, arrives, afterMs } of looks) {
          nowMs += afterMs;
          if (isNewMaster) told = new Map();
          if (isLost && !wasLost) losses += 1;
          decide(isLost);
          if (arrives) arrive();
        }
        expect(created).toBeLessThanOrEqual(losses);
        for (let at = 0; at < 3; at += 1) {
          nowMs += RESOLVE_AGAIN_MS;
          arrive();
          decide(wasLost);
        }
        arrive();
        expect(open).toBe(wasLost);
      }),
    );
  });
});
