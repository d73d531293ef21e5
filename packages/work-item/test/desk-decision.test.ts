import { describe, expect, it } from "vitest";
import { type DeskView, planBatch } from "../src/desk-batch.ts";
import { type AboutCause, decideAlert } from "../src/desk-decision.ts";
import { type ItemRow, type Queues, storable } from "../src/item-line.ts";
import { aQueue, delivery, numbered, opened } from "./fixtures.ts";

const now = new Date("2026-11-22T12:00:00.000Z");
const about = (overrides: Partial<AboutCause> = {}): AboutCause => ({
  open: null,
  silenced: null,
  queues: new Map(),
  nextCase: 8,
  now,
  ...overrides,
});

describe("what an alert does", () => {
  it("raised makes a new item in queue swadmin, urgent when critical", () => {
    const step = decideAlert(
      numbered(1, "raised", { severity: "critical", details: { count: 3 } }),
      about({ nextCase: 7 }),
    );
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
        numbered(2, phase, { severity: "critical", occurredAt: "2026-11-22T11:00:00Z", summary: "worse" }),
        about({ open }),
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
      const milder = decideAlert(numbered(3, phase, { severity: "info" }), about({ open: later?.item ?? open }));
      expect(milder?.item).toMatchObject({ severity: "critical", priority: 10, occurrences: 3 });
      expect(milder?.item.last_seen.toISOString()).toBe("2026-11-22T11:00:00.000Z");
      expect(milder?.history).toMatchObject({ seq: 3, what: "repeated" });
    }
  });

  it("repeated without an open item makes one: after a release the file still grows", () => {
    expect(decideAlert(numbered(2, "repeated"), about())?.item).toMatchObject({ case_number: 8, occurrences: 1 });
  });

  it("resolved closes the open item and does nothing without one", () => {
    expect(decideAlert(numbered(2, "resolved"), about({ open: opened() }))).toMatchObject({
      item: { state: "resolved", open_cause: null, occurrences: 1 },
      history: { what: "resolved", seq: 2 },
    });
    expect(decideAlert(numbered(2, "resolved"), about())).toBeNull();
  });

  it("said again it opens what was closed, and adds nothing to what is open or silenced", () => {
    const again = numbered(2, "repeated", { details: { reasserted: true } });
    expect(decideAlert(again, about())?.item).toMatchObject({ case_number: 8, state: "new" });
    expect(decideAlert(again, about({ open: opened() }))).toBeNull();
    expect(decideAlert(again, about({ silenced: opened() }))).toBeNull();
  });

  it("of a silenced cause counts on the old item, which stays as it is", () => {
    const silenced = opened({ state: "released", open_cause: null });
    for (const phase of ["raised", "repeated"] as const) {
      expect(decideAlert(numbered(2, phase), about({ silenced }))).toMatchObject({
        item: { case_number: 7, state: "released", open_cause: null, occurrences: 2, row_version: 2 },
        history: { what: "suppressed", seq: 2, alert_id: "box-0001-2" },
      });
    }
    expect(decideAlert(numbered(2, "resolved"), about({ silenced }))).toBeNull();
  });

  it("gives a deadline by severity; what becomes worse is due sooner, never later, unless it was acknowledged", () => {
    const queues: Queues = new Map([["swadmin", aQueue({ deadlines: { error: 3_600_000, critical: 60_000 } })]]);
    const item = decideAlert(numbered(1), about({ queues }))?.item;
    expect(item).toMatchObject({ deadline: new Date("2026-11-22T13:00:00Z"), due_at: item?.deadline });
    const worse = numbered(2, "repeated", { severity: "critical" });
    const soon = new Date("2026-11-22T12:01:00Z");
    expect(decideAlert(worse, about({ queues, open: item ?? null }))?.item).toMatchObject({
      deadline: soon,
      due_at: soon,
    });
    const known = opened({ deadline: item?.deadline ?? null, due_at: null, acknowledged_by: "ann" });
    expect(decideAlert(worse, about({ queues, open: known }))?.item).toMatchObject({ deadline: soon, due_at: null });
    const earlier = opened({ deadline: new Date(0), due_at: new Date(0) });
    expect(decideAlert(worse, about({ queues, open: earlier }))?.item.deadline).toEqual(new Date(0));
    expect(decideAlert(numbered(1, "raised", { severity: "info" }), about())?.item).toMatchObject({
      deadline: null,
      due_at: null,
    });
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
  const view: DeskView = {
    positions: new Map(),
    open: new Map<string, ItemRow>(),
    silenced: new Map(),
    queues: new Map(),
    nextCase: 1,
  };

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

  it("goes on counting on a silenced item within one batch", () => {
    const item = opened({
      case_number: 1,
      state: "released",
      open_cause: null,
      silenced_until: new Date("2027-01-01"),
    });
    const silenced = new Map([[item.cause, item]]);
    const plan = planBatch(
      [1, 2].map((at) => delivery(numbered(at))),
      { ...view, silenced, nextCase: 2 },
      now,
    );
    const updates = plan.writes.filter(({ table }) => table === "work_item");
    expect(updates).toMatchObject([
      { kind: "update", where: { row_version: 1 }, set: { occurrences: 3, row_version: 3 } },
    ]);
    expect(plan.nextCase).toBe(2);
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
