import { insert, type Row } from "@castellan/store";
import { workItemReport } from "@castellan/store/work-item";
import { describe, expect, it } from "vitest";
import { fakeIo, type Node, oneServer } from "./fixture.ts";

const at = new Date(Date.UTC(2025, 11, 31));
const item: Row<"work_item"> = {
  case_number: 7,
  queue_name: "swadmin",
  state: "new",
  priority: 50,
  severity: "error",
  kind: "error-file",
  server_name: "hades",
  subject: "logs/sw_error",
  summary: "sw_error was created on server hades",
  cause: "c",
  open_cause: "c",
  occurrences: 2,
  first_seen: at,
  last_seen: new Date(Date.UTC(2025, 11, 31, 23)),
  locked_by: null,
  state_before: null,
  assigned_to: null,
  acknowledged_by: null,
  silenced_until: null,
  deadline: new Date(Date.UTC(2025, 11, 31, 4)),
  due_at: null,
  escalated: false,
  details: '{"lastLines":["one","two\\u001b[2J"],"bytes":12}',
  row_version: 1,
};

/** Case 7 in the schema; the desk answers every action with it, changed as given, and what it was asked is remembered. */
async function withItem(after: Partial<Row<"work_item">> = {}, changed = true): Promise<Node & { asked: string[] }> {
  const asked: string[] = [];
  const node = await oneServer((subject, body) => {
    const said: unknown = JSON.parse(body, (key, value: unknown) =>
      key === "station" || key === "requestId" ? undefined : value,
    );
    asked.push(`${subject.split(".").at(-1)} ${JSON.stringify(said)}`);
    const report = workItemReport({ ...item, ...after }, new Date(Date.UTC(2026, 0, 1)));
    return JSON.stringify({ caseNumber: 7, state: report.state, changed, item: report });
  });
  const line = { case_number: 7, station: null, note: null, alert_id: null, request_id: null, published: true };
  await node.gateway.commit([
    insert("work_item", item),
    insert("work_item_event", { ...line, seq: 1, what: "created", by_user: "$SYSTEM", alert_id: "a", happened_at: at }),
    insert("work_item_event", {
      ...line,
      seq: 2,
      what: "noted",
      by_user: "bob",
      station: "zeus",
      note: "looked\nat it",
      happened_at: at,
    }),
  ]);
  return { ...node, asked };
}

describe("castellan workitem", () => {
  it("lists, and marks what is late", async () => {
    const node = await withItem();
    expect((await node.castellan(["workitem", "list"])).stdout).toBe(
      [
        "CASE  STATE  SEVERITY  KIND        SERVER  WHO  TIMES     AGO   DUE  SUMMARY",
        "   7  new    error     error-file  hades   -        2  60 min  late  sw_error was created on server hades",
        "",
      ].join("\n"),
    );
    expect(JSON.parse((await node.castellan(["workitem", "list", "--json"])).stdout)).toMatchObject([
      { caseNumber: 7, late: true },
    ]);
    expect((await (await oneServer()).castellan(["workitem", "list"])).stdout).toBe("no work items\n");
    expect((await node.castellan(["workitem", "list", "--mine"])).stdout).toBe("no work items\n");
    expect((await node.castellan(["workitem", "list", "--late", "--queue", "swadmin"])).stdout).toContain("   7  new");
    expect((await node.castellan(["workitem", "list", "--queue", "storage"])).stdout).toBe("no work items\n");
  });

  it("shows one with its history and what to do next, and lets nothing in it move the cursor", async () => {
    const { stdout } = await (await withItem()).castellan(["workitem", "show", "7"]);
    for (const part of [
      "case 7  sw_error was created on server hades\n",
      "  about       error-file logs/sw_error on hades\n",
      "  deadline    2025-12-31 04:00:00 late\n",
      "  lastLines\n    one\n    two [2J\n",
      "  2025-12-31 00:00:00  created  $SYSTEM  -\n",
      "  2025-12-31 00:00:00  noted    bob      zeus  looked at it\n",
      "next\n  say that you know of it: castellan workitem acknowledge 7\n",
      "  take it, so that nobody else does: castellan workitem open 7\n",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(await (await withItem()).castellan(["workitem", "show", "8"])).toMatchObject({ code: 1 });
  });

  it("shows the history alone", async () => {
    const node = await withItem();
    expect((await node.castellan(["workitem", "history", "7"])).stdout.split("\n")).toHaveLength(4);
    expect(JSON.parse((await node.castellan(["workitem", "history", "7", "--json"])).stdout)).toMatchObject([
      { what: "created", by: "$SYSTEM", alertId: "a" },
      { what: "noted", by: "bob", station: "zeus", at: "2025-12-31T00:00:00.000Z" },
    ]);
  });

  it.each([
    ["open 7", { state: "open", locked_by: "ann" }, "open", {}, "is open, locked by you"],
    ["keep 7 --note later", { state: "kept" }, "keep", { note: "later" }, "is kept"],
    ["undo 7", {}, "undo", {}, "is new again"],
    ["undo 7 --force", {}, "break-lock", {}, "is new again"],
    ["release 7", { state: "released" }, "release", {}, "is released"],
    ["forward 7 Storage", { queue_name: "storage" }, "forward", { to: { queue: "storage" } }, "is in queue storage"],
    ["forward 7 Bob --user", { queue_name: "Bob" }, "forward", { to: { user: "Bob" } }, "is in queue Bob"],
    ["note 7 seen", {}, "note", { note: "seen" }, "has your note"],
    ["acknowledge 7", {}, "acknowledge", {}, "is known to you: it escalates no more"],
    ["assign 7 bob", { assigned_to: "bob" }, "assign", { to: "bob" }, "is assigned to bob"],
    ["assign 7 --nobody", {}, "assign", { to: null }, "is assigned to nobody"],
    [
      "silence 7 --for 2h",
      { silenced_until: new Date(Date.UTC(2026, 0, 1, 2)) },
      "silence",
      { forMs: 7_200_000 },
      "is silenced until 2026-01-01 02:00:00 UTC",
    ],
    ["silence 7 --off", {}, "silence", { forMs: null }, "is not silenced any more"],
  ])("%s", async (line, after, verb, fields, says) => {
    const node = await withItem(after);
    const done = await node.castellan(["workitem", ...line.split(" ")]);
    expect(done).toEqual({ code: 0, stdout: `case 7 ${says}\n`, stderr: "" });
    const [[asked, body] = ["", ""]] = node.asked.map((text) => [text.split(" ")[0], text.slice(text.indexOf(" "))]);
    expect([asked, JSON.parse(body ?? "")]).toEqual([verb, { caseNumber: 7, by: "ann", ...fields }]);
    const json = await node.castellan(["workitem", ...line.split(" "), "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ caseNumber: 7, changed: true, item: { caseNumber: 7 } });
  });

  it("says when it was so already, and whose it is", async () => {
    const node = await withItem({ state: "open", locked_by: "ann", acknowledged_by: "bob" }, false);
    expect((await node.castellan(["workitem", "open", "7"])).stdout).toBe("case 7 is open already, locked by you\n");
    expect((await node.castellan(["workitem", "acknowledge", "7"])).stdout).toBe("case 7 is known to bob already\n");
  });

  it.each([
    ["assign 7", 2, "name the user, or give --nobody"],
    ["assign 7 bob --nobody", 2, "name the user, or give --nobody"],
    ["silence 7", 2, "say for how long"],
    ["silence 7 --for 2h --off", 2, "say for how long"],
    ["silence 7 --for soon", 2, "write a duration"],
    ["silence 7 --for 400d", 2, "at most 366d"],
    ["forward 7", 2, "missing required argument 'to'"],
    ["open x", 2, '"x" is not a case number'],
    ["retry", 2, "missing required argument 'id'"],
    ["relase 7", 2, "Did you mean release?"],
  ])("refuses %j", async (line, code, why) => {
    const node = await withItem();
    const refused = await node.castellan(["workitem", ...line.split(" ")]);
    expect(refused.code).toBe(code);
    expect(refused.stderr).toContain(why);
    expect(node.asked).toEqual([]);
  });

  it.each([
    ["LOCKED", 1, "undo CASE --force"],
    ["NOT_OPEN", 1, "workitem list --all"],
    ["NOT_PERMITTED", 5, ""],
    ["UNKNOWN_QUEUE", 1, "--user"],
  ])("passes %s on with what can be done", async (code, exit, remedy) => {
    const error = { code, message: "no", retryable: false, details: {} };
    const node = await oneServer(() => JSON.stringify({ error }));
    const refused = await node.castellan(["workitem", "open", "7"]);
    expect(refused.code).toBe(exit);
    expect(refused.stderr).toContain(remedy);
  });

  it("cannot be reached without a bus", async () => {
    expect(await (await oneServer()).castellan(["workitem", "open", "7", "-T", "1"])).toMatchObject({ code: 3 });
  });

  it("lists dead letters, shows one, and tries one again", async () => {
    const node = await oneServer(() => '{"id":"x1","caseNumber":7}');
    expect((await node.castellan(["workitem", "dead-letters"])).stdout).toBe("no dead letters\n");
    const letter = { server_name: "hades", reason: "no\nalert", body: "\u001b[2J", happened_at: at };
    await node.gateway.commit([insert("alert_dead_letter", { ...letter, id: "x1" })]);
    expect((await node.castellan(["workitem", "dead-letters"])).stdout).toBe(
      "ID  FROM    AGO  WHY\nx1  hades  24 h  no alert\n",
    );
    expect((await node.castellan(["workitem", "dead-letters", "x1"])).stdout).toContain("  body         [2J\n");
    expect(await node.castellan(["workitem", "dead-letters", "x2"])).toMatchObject({ code: 1 });
    expect((await node.castellan(["workitem", "retry", "x1"])).stdout).toBe("applied; it belongs to case 7\n");
  });

  it("has a one-screen help with examples for every action", async () => {
    const { stdout } = await (await oneServer()).castellan(["workitem", "--help"]);
    const names = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) .*/gm)].flatMap(([, name]) => name ?? []);
    expect(names).toEqual(expect.arrayContaining(["list", "open", "undo", "silence", "dead-letters", "retry"]));
    for (const name of names) {
      const help = await (await oneServer()).castellan(["workitem", name, "--help"], fakeIo({ columns: 100 }));
      expect(help.stdout, name).toContain("Examples:\n");
      expect(help.stdout.split("\n").length, name).toBeLessThanOrEqual(30);
    }
  });
});
