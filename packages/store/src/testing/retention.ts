/** The part of the suite about what the schema forgets, and what it must not. */
import { beforeEach, describe, expect, it } from "vitest";
import { TABLE_NAMES } from "../copy/pages.ts";
import { type Gateway, insert, update, type Write } from "../gateway.ts";
import { type Row, tables } from "../schema/tables.ts";
import { forgetOld, GROWTH, KEPT_ALERT_LINES, KEPT_DAYS, KEPT_LETTERS } from "../views/retention.ts";
import { extremeRow, itemRow, NOON, nodeStateRow, operationRow, serverRow, stepRow } from "./rows.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const ago = (days: number): Date => new Date(NOON.getTime() - days * DAY_MS);
const guard = (): Write => update("node_state", { id: 1, epoch: 0 }, { fence: { add: 1 } });

function lineRow(caseNumber: number, seq: number, over: Partial<Row<"work_item_event">> = {}): Row<"work_item_event"> {
  return {
    ...extremeRow("work_item_event", "null"),
    case_number: caseNumber,
    seq,
    alert_id: "alert",
    happened_at: ago(400),
    published: true,
    ...over,
  };
}

const event = (id: string, days: number, followed = true): Write =>
  insert("process_event_log", { ...extremeRow("process_event_log", "low"), id, timestamp: ago(days), followed });
const letter = (id: string, days: number): Write =>
  insert("alert_dead_letter", { ...extremeRow("alert_dead_letter", "low"), id, happened_at: ago(days) });
const position = (server_name: string): Write =>
  insert("outbox_position", { server_name, outbox: "o", last_number: 1 });
const audit = (id: string, days: number): Write =>
  insert("audit_log", { ...extremeRow("audit_log", "low"), id, happened_at: ago(days) });

export function describeRetention(gateway: () => Gateway): void {
  describe("what is old", () => {
    beforeEach(async () => {
      await gateway().commit([insert("node_state", nodeStateRow())]);
    });

    it("goes: events, dead letters, audit; what is younger, or not seen to, stays", async () => {
      await gateway().commit([
        event("old", KEPT_DAYS.process_event_log + 1),
        event("unseen", KEPT_DAYS.process_event_log + 1, false),
        event("young", KEPT_DAYS.process_event_log - 1),
        letter("old", KEPT_DAYS.alert_dead_letter + 1),
        letter("young", KEPT_DAYS.alert_dead_letter - 1),
        audit("old", KEPT_DAYS.audit_log + 1),
        audit("young", KEPT_DAYS.audit_log - 1),
      ]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(3);
      expect((await gateway().find("process_event_log")).map(({ id }) => id)).toEqual(["unseen", "young"]);
      expect((await gateway().find("alert_dead_letter")).map(({ id }) => id)).toEqual(["young"]);
      expect((await gateway().find("audit_log")).map(({ id }) => id)).toEqual(["young"]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(0);
    });

    it("goes in small commits, operations after all their steps", async () => {
      const ended = { state: "done", finished_at: ago(KEPT_DAYS.operation + 1) };
      await gateway().commit([
        insert("operation", operationRow("old", ended)),
        insert("operation", operationRow("open", { finished_at: null })),
        ...Array.from({ length: 700 }, (_, at) => insert("operation_step", stepRow(`s${at}`, "old", at))),
        insert("operation_step", stepRow("mine", "open", 1)),
      ]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(500);
      expect(await gateway().find("operation")).toHaveLength(2);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(201);
      expect((await gateway().find("operation")).map(({ id }) => id)).toEqual(["open"]);
      expect((await gateway().find("operation_step")).map(({ id }) => id)).toEqual(["mine"]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(0);
    });

    it("of work items goes with its history, unless somebody may still need it", async () => {
      const closed = { open_cause: null, state: "released", last_seen: ago(KEPT_DAYS.work_item + 1) };
      await gateway().commit([
        insert("work_item", itemRow(1, closed)),
        insert("work_item", itemRow(2, { ...closed, open_cause: "still open" })),
        insert("work_item", itemRow(3, { ...closed, silenced_until: ago(-1) })),
        insert("work_item", itemRow(4, closed)),
        insert("work_item", itemRow(5, closed)),
        insert("work_item", itemRow(6, closed)),
        ...[1, 2, 3, 4, 5, 6].map((number) => insert("work_item_event", lineRow(number, 1))),
        insert("work_item_event", lineRow(4, 2, { alert_id: null, happened_at: ago(1) })),
        insert("work_item_event", lineRow(5, 2, { published: false })),
      ]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(2);
      expect((await gateway().find("work_item")).map((item) => item.case_number)).toEqual([2, 3, 4, 5, 6]);
      expect(await gateway().find("work_item_event", { where: { case_number: 1 } })).toEqual([]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(0);
    });

    it("of work items goes past those that are still needed, however many", async () => {
      const closed = { open_cause: null, state: "released", last_seen: ago(KEPT_DAYS.work_item + 1) };
      const silenced = Array.from({ length: 60 }, (_, at) =>
        insert("work_item", itemRow(at + 1, { ...closed, silenced_until: ago(-1) })),
      );
      await gateway().commit([
        ...silenced,
        insert("work_item", itemRow(61, closed)),
        insert("work_item", itemRow(62, { open_cause: "open" })),
      ]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(1);
      expect(await gateway().find("work_item", { where: { case_number: 61 } })).toEqual([]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(0);
    });

    it("of an open item's history are the alerts before its last ones; what people did stays", async () => {
      const versions = KEPT_ALERT_LINES + 20;
      await gateway().commit([
        insert("work_item", itemRow(1, { open_cause: "c", row_version: versions })),
        ...[1, 2, 3, 19, 20, 21, versions].map((seq) => insert("work_item_event", lineRow(1, seq))),
        insert("work_item_event", lineRow(1, 4, { alert_id: null })),
      ]);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(4);
      expect((await gateway().find("work_item_event")).map(({ seq }) => seq)).toEqual([4, 20, 21, versions]);
    });

    it("of dead letters is whatever came before the latest, however young", async () => {
      const letters = Array.from({ length: KEPT_LETTERS + 700 }, (_, at) => letter(`l${at}`, at / KEPT_LETTERS));
      for (let at = 0; at < letters.length; at += 425) await gateway().commit(letters.slice(at, at + 425));
      expect(await forgetOld(gateway(), guard, NOON)).toBe(500);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(200);
      expect(await forgetOld(gateway(), guard, NOON)).toBe(0);
      const kept = await gateway().find("alert_dead_letter", { orderBy: [{ column: "happened_at" }] });
      expect(kept).toHaveLength(KEPT_LETTERS);
      expect([kept.at(0)?.id, kept.at(-1)?.id]).toEqual([`l${KEPT_LETTERS - 1}`, "l0"]);
    });

    it("goes from every table that grows: what each of them says of itself", async () => {
      const over = { state: "done", finished_at: ago(KEPT_DAYS.operation + 1) };
      const closed = { open_cause: null, state: "released", last_seen: ago(KEPT_DAYS.work_item + 1) };
      await gateway().commit([
        insert("node_cluster", serverRow(1)),
        event("old", KEPT_DAYS.process_event_log + 1),
        letter("old", KEPT_DAYS.alert_dead_letter + 1),
        audit("old", KEPT_DAYS.audit_log + 1),
        insert("operation", operationRow("old", over)),
        insert("operation_step", stepRow("old", "old", 1)),
        insert("work_item", itemRow(1, closed)),
        insert("work_item_event", lineRow(1, 1)),
        // The highest number is not given again, so its item stays.
        insert("work_item", itemRow(2, closed)),
        position("server-1"),
        position("taken-out"),
        // Release 0.1.0 has taken server 2 out, and left what it knows nothing of.
        ...[1, 2].flatMap((id) => [
          insert("sentinel_program", { ...extremeRow("sentinel_program", "low"), logical_machine_id: id }),
          insert("member_address", { ...extremeRow("member_address", "null"), logical_machine_id: id }),
        ]),
      ]);
      for (let rounds = 0; (await forgetOld(gateway(), guard, NOON)) > 0; rounds += 1) expect(rounds).toBeLessThan(10);
      const stays: Readonly<Record<string, number>> = {
        work_item: 1,
        outbox_position: 1,
        sentinel_program: 1,
        member_address: 1,
      };
      const growing = TABLE_NAMES.filter((name) => GROWTH[name] === "old");
      expect(growing.length).toBeGreaterThan(6);
      for (const name of growing) expect(await gateway().find(name), name).toHaveLength(stays[name] ?? 0);
      expect(await gateway().find("outbox_position")).toMatchObject([{ server_name: "server-1" }]);
      const others = TABLE_NAMES.filter((name) => GROWTH[name] !== "old");
      expect(growing.length + others.length).toBe(Object.keys(tables).length);
    });

    it("is removed by nobody whose guard misses", async () => {
      const row = { ...extremeRow("audit_log", "low"), happened_at: ago(1000) };
      await gateway().commit([insert("audit_log", row), update("node_state", { id: 1 }, { epoch: 7 })]);
      await expect(forgetOld(gateway(), guard, NOON)).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 0 });
      expect(await gateway().find("audit_log")).toHaveLength(1);
    });
  });
}
