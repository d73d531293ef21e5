/** Several users at once, for a few seconds; `npm run bench:inbox` does it for a minute and prints how fast. */
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { natsServer, tempHome } from "@castellan/testkit";
import { describe, expect, it } from "vitest";
import { complaintsAbout } from "./load/ledger.ts";
import { countingBus, runLoad } from "./load/run-load.ts";

describe("eight users at an inbox of 400 items", () => {
  it("lose nothing, do nothing twice, and never break a lock unsaid", async () => {
    const home = await tempHome();
    const server = await natsServer();
    const clock = createSystemClock();
    const url = `sqlite:${home.path("node.db")}`;
    const gateway = await openGateway({ url, clock, rng: systemRng, logger: silentLogger, migrate: "always" });
    try {
      const bus = countingBus();
      const load = { gateway, natsUrl: server.url, users: 8, items: 400, forMs: 20_000, most: 100, bus };
      const { complaints, ledger } = await runLoad({ ...load, seed: 20_261_122 });
      expect(complaints).toEqual([]);
      const outcomes = new Map<string, number>();
      for (const { outcome } of ledger) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      expect(outcomes.get("unknown") ?? 0).toBe(0);
      // It was a real struggle: much was done, and many were too late.
      expect(outcomes.get("changed") ?? 0).toBeGreaterThan(100);
      expect(outcomes.get("LOCKED") ?? 0).toBeGreaterThan(0);
      expect(outcomes.get("NOT_OPEN") ?? 0).toBeGreaterThan(0);

      // And the judge is awake: each of these is seen.
      const [items, lines] = [await gateway.find("work_item"), await gateway.find("work_item_event")];
      const audits = lines.filter(({ request_id }) => request_id !== null).length;
      expect(complaintsAbout(ledger, { items, lines, audits })).toEqual([]);
      expect(complaintsAbout(ledger, { items, lines, audits: audits - 1 })).toHaveLength(1);
      const lost = lines.findLastIndex(({ request_id }) => request_id !== null);
      expect(complaintsAbout(ledger, { items, lines: lines.toSpliced(lost, 1), audits: audits - 1 })).not.toEqual([]);
      expect(complaintsAbout(ledger.slice(0, -200), { items, lines, audits })).not.toEqual([]);
    } finally {
      await gateway.close();
      await server.stop();
      await home.remove();
    }
  });
});
