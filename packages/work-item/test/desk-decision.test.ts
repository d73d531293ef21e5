import { describe, expect, it } from "vitest";
import { planBatch } from "../src/desk-batch.ts";
import { decideAlert, type ItemRow, releaseItem, storable } from "../src/desk-decision.ts";
import { delivery, numbered } from "./fixtures.ts";

const opened = (overrides: Partial<ItemRow> = {}): ItemRow => {
  const step = decideAlert(null, numbered(1), 7);
  if (step === null) throw new Error("raised makes an item");
  return { ...step.item, ...overrides };
};

describe("what an alert does", () => {
  it("raised makes a new item in queue swadmin, urgent when critical", () => {
    const step = decideAlert(null, numbered(1, "raised", { severity: "critical", details: { count: 3 } }), 7);
    expect(step?.item).toMatchObject({
      case_number: 7,
      queue_name: "swadmin",
      state: "new",
      priority: 10,
      occurrences: 3,
      cause: "error-file/hades/sw_error/1",
      open_cause: "error-file/hades/sw_error/1",
    });
    expect(step?.history).toMatchObject({ case_number: 7, seq: 1, what: "created", alert_id: "box-0001-1" });
    expect(opened().priority).toBe(50);
  });

  it("raised and repeated add to the open item; severity only grows; last seen never goes back", () => {
    for (const phase of ["raised", "repeated"] as const) {
      const open = opened({ locked_by: "swadmin", state: "open" });
      const later = decideAlert(
        open,
        numbered(2, phase, { severity: "critical", occurredAt: "2026-11-22T11:00:00Z", summary: "worse" }),
        8,
      );
      expect(later?.item).toMatchObject({
        case_number: 7,
        occurrences: 2,
        severity: "critical",
        priority: 10,
        summary: "worse",
        locked_by: "swadmin",
        state: "open",
        row_version: 2,
      });
      const milder = decideAlert(later?.item ?? open, numbered(3, phase, { severity: "info" }), 8);
      expect(milder?.item).toMatchObject({ severity: "critical", priority: 10, occurrences: 3 });
      expect(milder?.item.last_seen.toISOString()).toBe("2026-11-22T11:00:00.000Z");
      expect(milder?.history).toMatchObject({ seq: 3, what: "repeated" });
    }
  });

  it("repeated without an open item makes one: after a release the file still grows", () => {
    expect(decideAlert(null, numbered(2, "repeated"), 8)?.item).toMatchObject({ case_number: 8, occurrences: 1 });
  });

  it("resolved closes the open item and does nothing without one", () => {
    expect(decideAlert(opened(), numbered(2, "resolved"), 8)).toMatchObject({
      item: { state: "resolved", open_cause: null, occurrences: 1 },
      history: { what: "resolved", seq: 2 },
    });
    expect(decideAlert(null, numbered(2, "resolved"), 8)).toBeNull();
  });

  it("release closes the item in somebody's name", () => {
    const step = releaseItem(opened(), "eve", "done", new Date(0));
    expect(step.item).toMatchObject({ state: "released", open_cause: null, row_version: 2 });
    expect(step.history).toMatchObject({ what: "released", by_user: "eve", note: "done" });
  });

  it("makes text that every database takes", () => {
    expect([storable(""), storable("a\u0000b"), storable("x\ud800y"), storable("ä😀")]).toEqual([
      "-",
      "a\ufffdb",
      "x\ufffdy",
      "ä😀",
    ]);
  });
});

describe("what a batch does", () => {
  const view = { positions: new Map<string, number>(), open: new Map<string, ItemRow>(), nextCase: 1 };
  const now = new Date(0);

  it("collapses all alerts of a cause into one write of its item and one line of history each", () => {
    const plan = planBatch(
      [1, 2, 3].map((at) => delivery(numbered(at))),
      view,
      now,
    );
    expect(plan.writes.map(({ table }) => table)).toEqual([
      "outbox_position",
      "work_item",
      "work_item_event",
      "work_item_event",
      "work_item_event",
    ]);
    expect(plan).toMatchObject({
      applied: 3,
      nextCase: 2,
      confirmed: [{ origin: "hades", outbox: "box-0001", number: 3 }],
    });
  });

  it("closes and opens again within one batch", () => {
    const plan = planBatch(
      [delivery(numbered(1)), delivery(numbered(2, "resolved")), delivery(numbered(3))],
      view,
      now,
    );
    const items = plan.writes.flatMap((write) =>
      write.kind === "insert" && write.table === "work_item" ? [write.row] : [],
    );
    expect(items).toMatchObject([
      { case_number: 1, state: "resolved", open_cause: null },
      { case_number: 2, state: "new", open_cause: "error-file/hades/sw_error/1" },
    ]);
  });

  it("stops at a gap, asks for what is missing, and goes on with other outboxes", () => {
    const other = numbered(1, "raised", { server: "zeus", cause: "c2" }, "box-0002");
    const plan = planBatch(
      [delivery(numbered(1)), delivery(numbered(3)), delivery(numbered(4)), delivery(other)],
      view,
      now,
    );
    expect(plan.confirmed).toEqual([
      { origin: "hades", outbox: "box-0001", number: 1 },
      { origin: "zeus", outbox: "box-0002", number: 1 },
    ]);
    expect(plan.missing).toEqual([{ origin: "hades", outbox: "box-0001", number: 1 }]);
  });

  it("applies nothing more of an outbox behind a gap, not even what would fit", () => {
    const plan = planBatch(
      [1, 3, 2].map((at) => delivery(numbered(at))),
      view,
      now,
    );
    expect([plan.applied, plan.confirmed[0]?.number, plan.missing[0]?.number]).toEqual([1, 1, 1]);
  });

  it("takes a number after a gap when its outbox has nothing older", () => {
    const plan = planBatch([delivery(numbered(57), 57), delivery(numbered(58))], view, now);
    expect([plan.applied, plan.missing, plan.confirmed[0]?.number]).toEqual([2, [], 58]);
  });

  it("only confirms what was applied before", () => {
    const positions = new Map([["hades box-0001", 5]]);
    const plan = planBatch([delivery(numbered(4))], { ...view, positions }, now);
    expect([plan.writes, plan.confirmed[0]?.number]).toEqual([[], 5]);
  });

  it("gives an unreadable alert its place and keeps it for people", () => {
    const broken = {
      origin: "hades",
      oldest: null,
      alert: null,
      id: "x",
      place: { outbox: "box-0001", number: 1 },
      reason: "no",
      body: "",
    };
    const plan = planBatch([broken, delivery(numbered(2)), { ...broken, origin: null, place: null }], view, now);
    expect(plan).toMatchObject({ deadLetters: 2, applied: 3, confirmed: [{ number: 2 }] });
  });
});
