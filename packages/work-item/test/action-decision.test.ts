import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Action, decideAction, type Standing, standingOf, VERDICTS } from "../src/action-decision.ts";
import type { ItemRow, Queues } from "../src/item-line.ts";
import { aQueue, opened } from "./fixtures.ts";

const now = new Date("2026-11-22T12:00:00.000Z");
const nobody: Queues = new Map();
const who = { caseNumber: 7, by: "ann", station: "zeus", requestId: "r1" };
const ACTIONS: Readonly<Record<Action["type"], Action>> = {
  Open: { type: "Open", ...who },
  Keep: { type: "Keep", ...who },
  Undo: { type: "Undo", ...who },
  BreakLock: { type: "BreakLock", ...who },
  Release: { type: "Release", ...who },
  Forward: { type: "Forward", ...who, to: { user: "carl" } },
  Note: { type: "Note", ...who, note: "looked at it" },
  Acknowledge: { type: "Acknowledge", ...who },
  Assign: { type: "Assign", ...who, to: "bob" },
  Silence: { type: "Silence", ...who, forMs: 3_600_000 },
};
const STANDINGS: Readonly<Record<Standing, ItemRow>> = {
  new: opened(),
  kept: opened({ state: "kept" }),
  mine: opened({ state: "open", locked_by: "ann", state_before: "kept" }),
  theirs: opened({ state: "open", locked_by: "bob", state_before: "new" }),
  released: opened({ state: "released", open_cause: null, due_at: null }),
  resolved: opened({ state: "resolved", open_cause: null, due_at: null }),
};
const act = (standing: Standing, action: Action, queues = nobody) =>
  decideAction(STANDINGS[standing], action, queues, now);
const change = (standing: Standing, action: Action, queues = nobody) => {
  const decision = act(standing, action, queues);
  if (decision.kind !== "step") throw new Error(JSON.stringify(decision));
  return decision;
};

const item = fc.record({
  state: fc.constantFrom("new", "open", "kept", "released", "resolved"),
  locked_by: fc.constantFrom(null, "ann", "bob"),
  state_before: fc.constantFrom(null, "new", "kept"),
  assigned_to: fc.constantFrom(null, "ann", "bob"),
  acknowledged_by: fc.constantFrom(null, "ann", "bob"),
  queue_name: fc.constantFrom("swadmin", "storage", "bob", "ann"),
  silenced_until: fc.constantFrom(null, new Date(0), new Date("2027-01-01")),
  deadline: fc.constantFrom(null, new Date(0), new Date("2027-01-01")),
});
const anyItem = item.map(({ state, ...rest }): ItemRow => {
  const closed = state === "released" || state === "resolved";
  const locked_by = closed ? null : rest.locked_by;
  const now = closed ? state : locked_by === null ? (state === "kept" ? "kept" : "new") : "open";
  return opened({ ...rest, state: now, locked_by, ...(closed && { open_cause: null, due_at: null }) });
});
const anyAction = fc
  .record({
    base: fc.constantFrom(...Object.values(ACTIONS)),
    by: fc.constantFrom("ann", "bob", "swadmin"),
    noted: fc.boolean(),
  })
  .map(({ base, by, noted }): Action => ({ ...base, by, ...(noted && { note: "why" }) }));

const STANDING_NAMES: readonly Standing[] = ["new", "kept", "mine", "theirs", "released", "resolved"];
const forward = (queue: string, note?: string): Action => ({
  type: "Forward",
  ...who,
  to: { queue },
  ...(note && { note }),
});
const unsilence: Action = { type: "Silence", ...who, forMs: null };
const unassign: Action = { type: "Assign", ...who, to: null };

describe("what an action does", () => {
  it.each(STANDING_NAMES)("the table knows where an item stands: %s", (standing) => {
    expect(standingOf(STANDINGS[standing], "ann")).toBe(standing);
  });

  it.each(Object.values(ACTIONS))("$type does in every state what the table says", (action) => {
    for (const standing of STANDING_NAMES) {
      const verdict = VERDICTS[action.type][standing];
      const expected =
        verdict === "do"
          ? { kind: "step" }
          : verdict === "same"
            ? { kind: "unchanged" }
            : { kind: "refused", code: verdict };
      expect(act(standing, action), standing).toMatchObject(expected);
    }
  });

  it("property: every action on every item has an answer; a change adds one version and one line that says who", () => {
    const queues: Queues = new Map([["storage", aQueue({ members: ["ann"] })]]);
    fc.assert(
      fc.property(anyItem, anyAction, (before, action) => {
        const decision = decideAction(before, action, queues, now);
        if (decision.kind !== "step") {
          expect(["refused", "unchanged"]).toContain(decision.kind);
          return;
        }
        const { history, item: after } = decision;
        expect(after.row_version).toBe(before.row_version + 1);
        expect(history).toMatchObject({
          case_number: before.case_number,
          seq: after.row_version,
          by_user: action.by,
          station: "zeus",
          request_id: "r1",
          happened_at: now,
        });
        expect(history.what.length).toBeLessThanOrEqual(12);
        // One lock, one state, and nothing to wait for when it is over.
        expect(after.state === "open").toBe(after.locked_by !== null);
        expect(after.open_cause === null).toBe(after.state === "released" || after.state === "resolved");
        if (after.open_cause === null) expect(after).toMatchObject({ locked_by: null, due_at: null });
        // Nobody changes what somebody else holds.
        if (before.locked_by !== null && before.locked_by !== action.by) {
          expect(["noted", "acknowledged", "lock-broken"]).toContain(history.what);
        }
        const { row_version: _version, ...rest } = before;
        if (history.what === "noted") expect(after).toMatchObject(rest);
      }),
      { numRuns: 1000 },
    );
  });

  it("open locks; undo gives the lock up and everything is as before; keep parks it", () => {
    for (const standing of ["new", "kept"] as const) {
      const open = change(standing, ACTIONS.Open).item;
      expect(open).toMatchObject({ state: "open", locked_by: "ann" });
      const undone = decideAction(open, ACTIONS.Undo, nobody, now);
      const { row_version: _version, ...before } = STANDINGS[standing];
      expect(undone).toMatchObject({ kind: "step", item: before, history: { what: "undone" } });
      expect(decideAction(open, ACTIONS.Keep, nobody, now)).toMatchObject({
        item: { state: "kept", locked_by: null, state_before: null },
      });
    }
    expect(change("theirs", ACTIONS.BreakLock)).toMatchObject({
      item: { state: "new", locked_by: null },
      history: { what: "lock-broken", note: "of bob" },
    });
  });

  it("release closes in somebody's name, with a note", () => {
    expect(change("new", { ...ACTIONS.Release, note: "done" })).toMatchObject({
      item: { state: "released", open_cause: null, due_at: null, row_version: 2 },
      history: { what: "released", by_user: "ann", note: "done" },
    });
  });

  it("forward moves it, unlocked, unacknowledged and with a new deadline, to a queue or to a user", () => {
    const queues: Queues = new Map([["storage", aQueue({ deadlines: { error: 60_000 } })]]);
    const held = decideAction(
      { ...STANDINGS.mine, acknowledged_by: "ann", assigned_to: "ann" },
      forward("storage", "yours"),
      queues,
      now,
    );
    const deadline = new Date("2026-11-22T12:01:00Z");
    expect(held).toMatchObject({
      item: {
        queue_name: "storage",
        state: "new",
        locked_by: null,
        assigned_to: null,
        acknowledged_by: null,
        deadline,
        due_at: deadline,
      },
      history: { what: "forwarded", note: "to storage: yours" },
    });
    expect(change("new", ACTIONS.Forward).item).toMatchObject({ queue_name: "carl", assigned_to: "carl" });
    expect(act("new", forward("swadmin"))).toEqual({ kind: "unchanged" });
    expect(act("new", forward("stroage"), queues)).toEqual({ kind: "refused", code: "UNKNOWN_QUEUE" });
  });

  it("a group's items are for its members, the administrator, and whoever one is assigned to", () => {
    const queues: Queues = new Map([["storage", aQueue({ members: ["bob", "carl"] })]]);
    const may = (by: string, item: Partial<ItemRow>) =>
      decideAction(opened(item), { ...ACTIONS.Release, by }, queues, now).kind === "step";
    const inStorage = { queue_name: "storage" };
    expect(["ann", "bob", "carl", "swadmin"].map((by) => may(by, inStorage))).toEqual([false, true, true, true]);
    expect(may("ann", { ...inStorage, assigned_to: "ann" })).toBe(true);
    expect(["ann", "bob"].map((by) => may(by, { queue_name: "swadmin" }))).toEqual([true, true]);
    expect(["ann", "bob"].map((by) => may(by, { queue_name: "ann" }))).toEqual([true, false]);
  });

  it("acknowledge stops the escalation, once; assign names somebody, or nobody", () => {
    const due = opened({ deadline: now, due_at: now });
    const known = decideAction(due, ACTIONS.Acknowledge, nobody, now);
    expect(known).toMatchObject({ item: { acknowledged_by: "ann", due_at: null, deadline: now } });
    const again = decideAction(opened({ acknowledged_by: "bob" }), ACTIONS.Acknowledge, nobody, now);
    expect(again).toEqual({ kind: "unchanged" });
    expect(change("new", ACTIONS.Assign)).toMatchObject({ item: { assigned_to: "bob" }, history: { note: "to bob" } });
    expect(act("new", unassign)).toEqual({ kind: "unchanged" });
  });

  it("silence holds for its time and puts the escalation off; ended it is due again", () => {
    const soon = new Date("2026-11-22T12:30:00Z");
    const until = new Date("2026-11-22T13:00:00Z");
    const quiet = decideAction(opened({ deadline: soon, due_at: soon }), ACTIONS.Silence, nobody, now);
    if (quiet.kind !== "step") throw new Error(quiet.kind);
    expect(quiet).toMatchObject({
      item: { silenced_until: until, due_at: until },
      history: { what: "silenced", note: "until 2026-11-22T13:00:00.000Z" },
    });
    expect(decideAction(quiet.item, unsilence, nobody, now)).toMatchObject({
      item: { silenced_until: null, due_at: soon },
      history: { what: "unsilenced" },
    });
    expect(act("new", unsilence)).toEqual({ kind: "unchanged" });
    expect(change("released", ACTIONS.Silence).item).toMatchObject({ silenced_until: until, due_at: null });
  });

  it("keeps a note that comes with what is so already", () => {
    expect(change("mine", { ...ACTIONS.Open, note: "still at it" })).toMatchObject({
      item: { state: "open" },
      history: { what: "noted", note: "still at it" },
    });
  });
});
