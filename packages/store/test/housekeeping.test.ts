/** A node that works for years holds no more than after the first: what it writes again and again, what is taken out, what is forgotten. */
import { insert, type Row, update, type Write } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { describe, expect, it } from "vitest";
import { TABLE_NAMES } from "../src/copy/pages.ts";
import { extremeRow, itemRow, nodeStateRow, operationRow, serverRow, stepRow } from "../src/testing/rows.ts";
import { forgetOld, GROWTH, KEPT_ALERT_LINES, KEPT_DAYS } from "../src/views/retention.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const BEGIN = new Date("2026-01-01T00:00:00Z");
const after = (days: number): Date => new Date(BEGIN.getTime() + days * DAY_MS);
const guard = (): Write => update("node_state", { id: 1, epoch: 0 }, { fence: { add: 1 } });

/** An item that is never closed, and hears of its cause again and again. */
const NOISY = 1;
const NOISE = 100;
/** It is looked at so often, days. */
const STEP = 30;

/** What one step of a node leaves behind in the tables that grow. */
function written(step: number): Write[] {
  const at = after(step * STEP);
  const number = step + 2;
  const line = (case_number: number, seq: number): Write => {
    const over: Partial<Row<"work_item_event">> = { case_number, seq, alert_id: "a", happened_at: at, published: true };
    return insert("work_item_event", { ...extremeRow("work_item_event", "null"), ...over });
  };
  const guest = { logical_machine_id: 2 + step };
  return [
    insert("process_event_log", {
      ...extremeRow("process_event_log", "low"),
      id: `e${step}`,
      timestamp: at,
      followed: true,
    }),
    insert("alert_dead_letter", { ...extremeRow("alert_dead_letter", "low"), id: `l${step}`, happened_at: at }),
    insert("audit_log", { ...extremeRow("audit_log", "low"), id: `u${step}`, happened_at: at }),
    insert("operation", operationRow(`o${step}`, { state: "done", finished_at: at })),
    insert("operation_step", stepRow(`s${step}`, `o${step}`, 1)),
    insert("work_item", itemRow(number, { open_cause: null, state: "released", last_seen: at })),
    line(number, 1),
    ...Array.from({ length: NOISE }, (_, seq) => line(NOISY, step * NOISE + seq + 1)),
    update("work_item", { case_number: NOISY }, { row_version: (step + 1) * NOISE, last_seen: at }),
    // A server that comes for a while, and is taken out by release 0.1.0.
    insert("sentinel_program", { ...extremeRow("sentinel_program", "low"), ...guest }),
    insert("member_address", { ...extremeRow("member_address", "null"), ...guest }),
    insert("outbox_position", { server_name: `guest-${step}`, outbox: "o", last_number: 1 }),
  ];
}

const kept = (days: number): number => Math.floor(days / STEP) + 1;

describe("a node that works for 600 days", () => {
  it("holds in every table what the days before it are kept for, and no more", async () => {
    const gateway = createMemoryGateway();
    await gateway.commit([
      insert("node_state", nodeStateRow()),
      insert("node_cluster", serverRow(1)),
      insert("work_item", itemRow(NOISY, { open_cause: "noisy", last_seen: BEGIN })),
    ]);
    const most: Record<string, number> = {};
    for (let step = 0; step * STEP < 600; step += 1) {
      await gateway.commit(written(step));
      for (let rounds = 0; (await forgetOld(gateway, guard, after(step * STEP))) > 0; rounds += 1)
        expect(rounds).toBeLessThan(10);
      if (step % 5 !== 4) continue;
      for (const table of TABLE_NAMES) most[table] = Math.max(most[table] ?? 0, (await gateway.find(table)).length);
    }
    const items = kept(KEPT_DAYS.work_item);
    const bounds: Readonly<Record<string, number>> = {
      process_event_log: kept(KEPT_DAYS.process_event_log),
      alert_dead_letter: kept(KEPT_DAYS.alert_dead_letter),
      audit_log: kept(KEPT_DAYS.audit_log),
      operation: kept(KEPT_DAYS.operation),
      operation_step: kept(KEPT_DAYS.operation),
      work_item: items + 1,
      work_item_event: items + KEPT_ALERT_LINES + 1,
      outbox_position: 0,
      sentinel_program: 0,
      member_address: 0,
    };
    expect(Object.keys(bounds).sort()).toEqual(TABLE_NAMES.filter((name) => GROWTH[name] === "old").sort());
    for (const [table, bound] of Object.entries(bounds)) {
      expect(most[table], table).toBeLessThanOrEqual(bound);
      expect(most[table], table).toBeGreaterThanOrEqual(bound - 1);
    }
  });
});
