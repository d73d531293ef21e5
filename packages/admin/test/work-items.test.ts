import { CastellanError } from "@castellan/kernel";
import { WorkItemReport } from "@castellan/protocol";
import { insert, type Row, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { actOnWorkItem, followAlerts, retryDeadLetter, type WorkItemAction } from "../src/index.ts";
import { listDeadLetters, listWorkItems, showWorkItem } from "../src/read.ts";
import { adviceFor } from "../src/work-item-advice.ts";
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
  state_before: null,
  assigned_to: null,
  acknowledged_by: null,
  silenced_until: null,
  deadline: null,
  due_at: null,
  escalated: false,
  details: '{"count":2}',
  row_version: 1,
  ...over,
});

async function withItems(bus = fakeBus(() => ({}))) {
  const fixture = await twoServers(bus);
  const event = { alert_id: null, request_id: null, station: null, happened_at: at, published: true, by_user: "ann" };
  await fixture.gateway.commit([
    insert("work_item", item({ case_number: 2, state: "released" })),
    insert("work_item", item({ case_number: 3, state: "open", locked_by: "bob", deadline: at, queue_name: "storage" })),
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
    for (const { hiddenBy, ...row } of open) expect([hiddenBy, WorkItemReport.parse(row)]).toEqual([null, row]);
    expect(open[1]).toMatchObject({ state: "open", lockedBy: "bob", deadline: "2026-01-02T03:04:05.678Z" });
    expect((await listWorkItems(ctx, { all: true })).map((row) => row.caseNumber)).toEqual([1, 2, 3]);
  });

  it("leaves out what is open on a lost server while the server's own item stands for it", async () => {
    const { ctx, gateway } = await withItems();
    const lost = { kind: "server", subject: "hades", severity: "critical" } as const;
    await gateway.commit([
      insert("work_item", item({ case_number: 4, ...lost, open_cause: "server/hades" })),
      insert("work_item", item({ case_number: 5, server_name: "zeus" })),
    ]);
    const cases = async (all = false) =>
      (await listWorkItems(ctx, { all })).map(({ caseNumber, hiddenBy }) => [caseNumber, hiddenBy]);
    expect(await cases()).toEqual([
      [4, null],
      [5, null],
    ]);
    expect(await cases(true)).toEqual([
      [1, 4],
      [2, null],
      [3, 4],
      [4, null],
      [5, null],
    ]);
    await gateway.commit([update("work_item", { case_number: 4 }, { state: "resolved", open_cause: null })]);
    expect((await cases()).map(([caseNumber]) => caseNumber)).toEqual([1, 3, 5]);
  });

  it("lists however many there are, in reads that a database answers in time", async () => {
    const { ctx } = await twoServers(fakeBus(() => ({})));
    const numbers = Array.from({ length: 2001 }, (_, index) => index + 1);
    await ctx.gateway.commit(numbers.map((case_number) => insert("work_item", item({ case_number }))));
    const longest = { rows: 0 };
    const find: typeof ctx.gateway.find = async (table, query) => {
      const rows = await ctx.gateway.find(table, query);
      longest.rows = Math.max(longest.rows, rows.length);
      return rows;
    };
    const items = await listWorkItems({ ...ctx, gateway: { ...ctx.gateway, find } });
    expect(items.map((row) => row.caseNumber)).toEqual(numbers);
    expect(longest.rows).toBe(1000);
  });

  it("lists those of a queue, of a user, and the late ones", async () => {
    const { clock, ctx } = await withItems();
    const cases = async (options: Parameters<typeof listWorkItems>[1]) =>
      (await listWorkItems(ctx, options)).map((row) => row.caseNumber);
    expect(await cases({ queue: "storage" })).toEqual([3]);
    expect(await cases({ of: "bob" })).toEqual([3]);
    expect(await cases({ of: "ann" })).toEqual([]);
    expect(await cases({ late: true })).toEqual([]);
    clock.advance(2 * 86_400_000);
    expect(await cases({ late: true })).toEqual([3]);
    expect(await cases({ late: true, all: true, queue: "swadmin" })).toEqual([]);
  });

  it("shows one with its history in order", async () => {
    const { ctx } = await withItems();
    const shown = await showWorkItem(ctx, 1);
    expect(shown.history.map((entry) => `${entry.what} ${entry.note}`)).toEqual(["created null", "repeated again"]);
    expect(shown.details).toEqual({ count: 2 });
    await expect(showWorkItem(ctx, 9)).rejects.toMatchObject({ code: "NO_SUCH_ITEM" });
  });

  it("advises what fits the state and whoever asks, and only commands that there are", async () => {
    const { ctx } = await withItems();
    const [free, held] = await listWorkItems(ctx);
    if (!free || !held) throw new Error("two items");
    const commands = (of: typeof free, user: string) =>
      adviceFor(of, user).flatMap(({ command }) => (command === null ? [] : [command]));
    expect(commands(free, "ann")).toEqual(["workitem open 1", "workitem release 1"]);
    expect(commands({ ...free, deadline: at.toISOString() }, "ann")[0]).toBe("workitem acknowledge 1");
    expect(commands(held, "ann")).toEqual(["workitem note 3", "workitem undo 3 --force"]);
    expect(commands(held, "bob")).toEqual(["workitem release 3", "workitem keep 3", "workitem undo 3"]);
    for (const state of ["released", "resolved"] as const) expect(commands({ ...free, state }, "ann")).toEqual([]);
    for (const kind of ["disk", "inode", "process", "server", "sentinel", "warn-file"] as const) {
      expect(adviceFor({ ...free, kind }, "ann").map(({ text }) => text)).not.toContain("");
    }
  });

  const item1 = { caseNumber: 1, state: "released", changed: true };

  it("acts through the desk on the master, as who, from where, under one id", async () => {
    let calls = 0;
    const bus = fakeBus(() => {
      calls += 1;
      if (calls === 1) throw new CastellanError("NOT_REACHABLE", "no master of this node answers", { retryable: true });
      return { body: json({ ...item1, item: reported }) };
    });
    const { ctx } = await withItems(bus);
    const { hiddenBy: _, ...reported } = (await listWorkItems(ctx))[0] ?? expect.fail("no item");
    const release: WorkItemAction = { type: "Release", caseNumber: 1, note: "fixed" };
    expect(await actOnWorkItem(ctx, release)).toEqual({ ...item1, item: reported });
    expect(bus.requests).toHaveLength(2);
    for (const { body, subject } of bus.requests) {
      expect(subject).toBe("castellan.ips1.req.master.desk.-.release");
      expect(body).toEqual({
        caseNumber: 1,
        by: "ann",
        station: "desk7",
        requestId: expect.any(String),
        note: "fixed",
      });
    }
    expect(new Set(bus.requests.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it("passes the desk's refusal on, at once", async () => {
    const error = { code: "LOCKED", message: "bob holds it", retryable: false, details: { by: "bob" } };
    const bus = fakeBus(() => ({ body: json({ error }), headers: { "actor-error": "LOCKED" } }));
    const { ctx } = await withItems(bus);
    await expect(actOnWorkItem(ctx, { type: "Open", caseNumber: 3 })).rejects.toMatchObject(error);
    await expect(retryDeadLetter(ctx, "x")).rejects.toMatchObject(error);
    expect(bus.requests).toHaveLength(2);
    const away = actOnWorkItem({ ...ctx, bus: null }, { type: "Open", caseNumber: 3 }, { timeoutMs: 1000 });
    await expect(away).rejects.toMatchObject({ code: "NOT_REACHABLE" });
  });

  it("lists dead letters, oldest first", async () => {
    const { ctx, gateway } = await withItems();
    const letter = { server_name: "hades", reason: "no alert", body: "???" };
    await gateway.commit([
      insert("alert_dead_letter", { ...letter, id: "a", happened_at: at }),
      insert("alert_dead_letter", { ...letter, id: "b", happened_at: new Date(0) }),
    ]);
    expect((await listDeadLetters(ctx)).map(({ id }) => id)).toEqual(["b", "a"]);
    expect((await listDeadLetters(ctx))[1]).toMatchObject({ server: "hades", reason: "no alert", body: "???" });
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
    const feed = await followAlerts(ctx, {
      alert: ({ event, alert: { summary } }) => void alerts.push(`${event.id} ${summary}`),
      problem: (error) => void problems.push(error),
    });
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
