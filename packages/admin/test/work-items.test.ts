import { WorkItemReport } from "@castellan/protocol";
import { insert, type Row } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { followAlerts, releaseWorkItem } from "../src/index.ts";
import { listWorkItems, showWorkItem } from "../src/read.ts";
import { fakeBus, json, twoServers } from "./node-fixture.ts";

const at = new Date("2026-01-02T03:04:05.678Z");
const item = (over: Partial<Row<"work_item">>): Row<"work_item"> => ({
  case_number: 1,
  queue_name: "swadmin",
  state: "new",
  priority: 50,
  severity: "error",
  kind: "error-file",
  server_name: "hades",
  subject: "logs/sw_error",
  summary: "sw_error was created on server hades",
  cause: `cause-${over.case_number ?? 1}`,
  open_cause: null,
  occurrences: 2,
  first_seen: at,
  last_seen: at,
  locked_by: null,
  assigned_to: null,
  acknowledged_by: null,
  silenced: false,
  deadline: null,
  details: '{"count":2}',
  row_version: 1,
  ...over,
});

async function withItems(bus = fakeBus(() => ({}))) {
  const fixture = await twoServers(bus);
  const event = { alert_id: null, happened_at: at, published: true, by_user: "castellan" };
  await fixture.gateway.commit([
    insert("work_item", item({ case_number: 2, state: "released" })),
    insert("work_item", item({ case_number: 3, state: "kept", locked_by: "bob", deadline: at })),
    insert("work_item", item({ case_number: 1 })),
    insert("work_item_event", { ...event, case_number: 1, seq: 2, what: "repeated", note: "again" }),
    insert("work_item_event", { ...event, case_number: 1, seq: 1, what: "created", note: null, alert_id: "a1" }),
  ]);
  return fixture;
}

describe("work items", () => {
  it("lists the unfinished ones, or all", async () => {
    const { ctx } = await withItems();
    const open = await listWorkItems(ctx);
    expect(open.map((row) => row.caseNumber)).toEqual([1, 3]);
    for (const row of open) expect(WorkItemReport.parse(row)).toEqual(row);
    expect(open[1]).toMatchObject({ state: "kept", lockedBy: "bob", deadline: "2026-01-02T03:04:05.678Z" });
    expect((await listWorkItems(ctx, { all: true })).map((row) => row.caseNumber)).toEqual([1, 2, 3]);
  });

  it("shows one with its history in order", async () => {
    const { ctx } = await withItems();
    const shown = await showWorkItem(ctx, 1);
    expect(shown.history.map((entry) => `${entry.what} ${entry.note}`)).toEqual(["created null", "repeated again"]);
    expect(shown.details).toEqual({ count: 2 });
    await expect(showWorkItem(ctx, 9)).rejects.toMatchObject({ code: "NO_SUCH_ITEM" });
  });

  it("releases through the desk on the master, and leaves a trace", async () => {
    const bus = fakeBus(() => ({ body: json({ caseNumber: 1, state: "released" }) }));
    const { ctx, gateway } = await withItems(bus);
    expect(await releaseWorkItem(ctx, 1, "fixed")).toEqual({ caseNumber: 1, state: "released" });
    expect(bus.requests).toEqual([
      { subject: "castellan.ips1.req.master.desk.-.release", body: { caseNumber: 1, by: "ann", note: "fixed" } },
    ]);
    expect(await gateway.find("audit_log")).toMatchObject([{ what: "workitem.release" }]);
  });

  it("passes the desk's refusal on", async () => {
    const error = { code: "LOCKED", message: "bob holds it", retryable: false, details: { by: "bob" } };
    const bus = fakeBus(() => ({ body: json({ error }), headers: { "actor-error": "LOCKED" } }));
    const { ctx } = await withItems(bus);
    await expect(releaseWorkItem(ctx, 3)).rejects.toMatchObject(error);
    await expect(releaseWorkItem({ ...ctx, bus: null }, 3)).rejects.toMatchObject({ code: "NOT_REACHABLE" });
  });
});

describe("followAlerts", () => {
  const alert = {
    kind: "disk",
    server: "hades",
    subject: "/",
    severity: "error",
    summary: "/ is full",
    occurredAt: at.toISOString(),
    cause: "disk/hades///1",
    details: {},
  };
  const headers = {
    "ce-id": "e1",
    "ce-source": "/castellan/ips1/hades",
    "ce-type": "castellan.alert.raised",
    "ce-time": at.toISOString(),
  };

  it("hands each alert on once, and survives what is none", async () => {
    const bus = fakeBus(() => ({}));
    const { ctx } = await twoServers(bus);
    const alerts: string[] = [];
    const problems: Error[] = [];
    const feed = await followAlerts(
      ctx,
      ({ event, alert: { summary } }) => alerts.push(`${event.id} ${summary}`),
      (error) => problems.push(error),
    );
    const subject = "castellan.ips1.evt.alert.error.hades.disk";
    bus.deliver(subject, headers, JSON.stringify(alert));
    bus.deliver(subject, headers, JSON.stringify(alert));
    bus.deliver(subject, { ...headers, "ce-id": "e2" }, "not json");
    bus.deliver(subject, { ...headers, "ce-id": "e3" }, "{}");
    bus.deliver(subject, { ...headers, "ce-id": "e4" }, JSON.stringify(alert));
    feed.close();
    bus.deliver(subject, { ...headers, "ce-id": "e5" }, JSON.stringify(alert));
    expect(alerts).toEqual(["e1 / is full", "e4 / is full"]);
    expect(problems).toHaveLength(2);
  });
});
