import { createSeededRng, silentLogger } from "@castellan/kernel";
import type { AlertPhase, NumberedAlert } from "@castellan/protocol";
import { type Gateway, insert, SchemaError, StoreAmbiguous, StoreUnavailable, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDeskBook } from "../src/desk-book.ts";
import { Deposed, fencedCommit } from "../src/fenced-commit.ts";
import type { AlertDelivery } from "../src/ports.ts";
import { bootstrap, delivery, numbered } from "./fixtures.ts";

const clock = { now: () => new Date(0) };
const bookOf = (gateway: Gateway, epoch = 1) =>
  createDeskBook({
    gateway,
    commit: fencedCommit(gateway, epoch),
    queues: async () => new Map(),
    clock,
    log: silentLogger,
  });

async function ready(): Promise<Gateway> {
  const gateway = createMemoryGateway();
  await bootstrap(gateway);
  return gateway;
}

describe("desk book", () => {
  it("writes items, history and position in one commit behind the fence", async () => {
    const gateway = await ready();
    await bookOf(gateway).apply([delivery(numbered(1)), delivery(numbered(2))]);
    expect(await gateway.find("work_item")).toMatchObject([{ case_number: 1, occurrences: 2 }]);
    expect(await gateway.find("work_item_event")).toHaveLength(2);
    expect(await gateway.find("outbox_position")).toEqual([
      { server_name: "hades", outbox: "box-0001", last_number: 2 },
    ]);
    expect((await gateway.find("node_state"))[0]?.fence).toBe(1);
  });

  it("changes nothing in an epoch that is over", async () => {
    const gateway = await ready();
    const book = bookOf(gateway, 1);
    await book.apply([delivery(numbered(1))]);
    await gateway.commit([update("node_state", { id: 1 }, { epoch: 2 })]);
    await expect(book.apply([delivery(numbered(2))])).rejects.toBeInstanceOf(Deposed);
    expect(await gateway.find("work_item")).toMatchObject([{ occurrences: 1, state: "new" }]);
  });

  it("keeps an alert that the schema does not take as a dead letter and applies all others", async () => {
    const gateway = await ready();
    const poison = numbered(2, "raised", { server: "h".repeat(65), cause: "poison" });
    const result = await bookOf(gateway).apply([
      delivery(numbered(1)),
      { ...delivery(poison), origin: "hades" },
      delivery(numbered(3)),
    ]);
    expect(result).toMatchObject({ applied: 3, deadLetters: 1, confirmed: [{ number: 3 }] });
    expect(await gateway.find("work_item")).toMatchObject([{ occurrences: 2 }]);
    expect(await gateway.find("alert_dead_letter")).toMatchObject([{ id: "box-0001-2", server_name: "hades" }]);
  });

  it("waits for a schema that is not whole, and keeps no dead letter for it", async () => {
    const gateway = await ready();
    let isWhole = false;
    const book = bookOf({
      ...gateway,
      commit: (writes) =>
        isWhole || writes.every(({ table }) => table !== "work_item_event")
          ? gateway.commit(writes)
          : Promise.reject(new SchemaError("no such table: work_item_event")),
    });
    await expect(book.apply([delivery(numbered(1)), delivery(numbered(2))])).rejects.toBeInstanceOf(SchemaError);
    isWhole = true;
    await book.apply([delivery(numbered(1)), delivery(numbered(2))]);
    expect(await gateway.find("work_item")).toMatchObject([{ occurrences: 2 }]);
    expect(await gateway.find("alert_dead_letter")).toEqual([]);
  });

  it("keeps the latest dead letters only, however many come", async () => {
    const gateway = await ready();
    let nowMs = 0;
    const book = createDeskBook({
      gateway,
      commit: fencedCommit(gateway, 1),
      queues: async () => new Map(),
      clock: { now: () => new Date(nowMs) },
      log: silentLogger,
    });
    for (let batch = 0; batch < 40; batch += 1) {
      nowMs += 1000;
      const junk = Array.from({ length: 100 }, (_, at): AlertDelivery => {
        return { origin: "hades", oldest: null, alert: null, id: `${batch}-${at}`, place: null, reason: "-", body: "" };
      });
      await book.apply(junk);
      expect((await gateway.find("alert_dead_letter")).length).toBeLessThanOrEqual(1400);
    }
    const kept = await gateway.find("alert_dead_letter", { orderBy: [{ column: "happened_at", descending: true }] });
    expect(kept[0]?.happened_at).toEqual(new Date(nowMs));
    expect(kept.length).toBeGreaterThanOrEqual(1000);
  });

  it("numbers cases beyond the highest there is, also when somebody took one meanwhile", async () => {
    const gateway = await ready();
    const book = bookOf(gateway);
    await book.apply([delivery(numbered(1, "raised", { cause: "a" }))]);
    const [item] = await gateway.find("work_item");
    if (!item) throw new Error("no item");
    await gateway.commit([insert("work_item", { ...item, case_number: 2, cause: "b", open_cause: "b" })]);
    await book.apply([delivery(numbered(2, "raised", { cause: "c" }))]);
    expect((await gateway.find("work_item")).map((row) => row.case_number)).toEqual([1, 2, 3]);
  });
});

/** The desk dies here: nothing it does afterwards has an effect. */
class Killed extends Error {}

/** For one life of a desk. Fails before and after reads and commits, with a chance each. */
function unreliable(gateway: Gateway, chance: () => number): Gateway {
  let dead = false;
  const kill = (): never => {
    dead = true;
    throw new Killed();
  };
  const before = (): void => {
    if (dead) throw new Killed();
    const roll = chance();
    if (roll < 0.08) throw new StoreUnavailable("away");
    if (roll < 0.16) kill();
  };
  return {
    ...gateway,
    find: async (table, query) => {
      before();
      return gateway.find(table, query);
    },
    commit: async (writes) => {
      before();
      const answer = await gateway.commit(writes);
      const roll = chance();
      if (roll < 0.1) throw new StoreAmbiguous("the answer was lost");
      if (roll < 0.2) kill();
      return answer;
    },
  };
}

/** What must be there in the end: for each cause its items in order, as `state occurrences`. */
function expected(outboxes: readonly (readonly NumberedAlert[])[]): Map<string, string[]> {
  const items = new Map<string, { state: string; occurrences: number }[]>();
  for (const { phase, alert } of outboxes.flat()) {
    const of = items.get(alert.cause) ?? [];
    items.set(alert.cause, of);
    const open = of.at(-1)?.state === "new" ? of.at(-1) : undefined;
    if (phase === "resolved") {
      if (open) open.state = "resolved";
    } else if (open) open.occurrences += 1;
    else of.push({ state: "new", occurrences: 1 });
  }
  return new Map(
    [...items].flatMap(([cause, of]) =>
      of.length === 0 ? [] : [[cause, of.map((item) => `${item.state} ${item.occurrences}`)]],
    ),
  );
}

const phase = fc.constantFrom<AlertPhase>("raised", "repeated", "repeated", "resolved");
const script = fc.array(fc.tuple(phase, fc.integer({ min: 0, max: 2 })), { minLength: 1, maxLength: 20 });

describe("desk book, whatever dies", () => {
  it("property: exactly one open item per cause and every occurrence once, over loss, repeats, disorder, kills and a database that fails", async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(script, script), fc.integer(), async (scripts, seed) => {
        const rng = createSeededRng(seed);
        const outboxes = scripts.map((steps, box) =>
          steps.map(([phase, cause], at) =>
            numbered(at + 1, phase, { server: `s${box}`, cause: `cause-${box}-${cause}` }, `box-${box}`),
          ),
        );
        const gateway = await ready();
        let calm = false;
        const newLife = () => bookOf(unreliable(gateway, () => (calm ? 1 : rng.next())));
        let book = newLife();
        const confirmed = outboxes.map(() => 0);
        for (let turn = 0; turn < 400; turn += 1) {
          calm = turn >= 60;
          const batch = outboxes
            .flatMap((alerts, box) => alerts.slice(confirmed[box], (confirmed[box] ?? 0) + 8))
            .filter(() => calm || rng.next() > 0.2)
            .flatMap((alert) => (!calm && rng.next() < 0.2 ? [alert, alert] : [alert]));
          if (!calm && rng.next() < 0.3) batch.sort(() => rng.next() - 0.5);
          if (batch.length === 0 && calm) break;
          try {
            const result = await book.apply(batch.map((alert) => delivery(alert)));
            // A confirmation may be lost as well.
            for (const { outbox, number } of result.confirmed) {
              if (calm || rng.next() > 0.3) confirmed[Number(outbox.slice(4))] = number;
            }
          } catch (thrown) {
            if (thrown instanceof Killed) book = newLife();
            else if (!(thrown instanceof StoreUnavailable || thrown instanceof StoreAmbiguous)) throw thrown;
          }
        }
        const found = new Map<string, string[]>();
        for (const item of await gateway.find("work_item", { orderBy: [{ column: "case_number" }] })) {
          found.set(item.cause, [...(found.get(item.cause) ?? []), `${item.state} ${item.occurrences}`]);
        }
        expect(found).toEqual(expected(outboxes));
        expect(await gateway.find("alert_dead_letter")).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
