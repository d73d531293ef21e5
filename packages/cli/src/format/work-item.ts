/** Work items as a person reads them. Pure. */
import type { WorkItemAction } from "@castellan/admin";
import type { WorkItemDetail, WorkItemHistoryEntry } from "@castellan/admin/read";
import type { WorkItemReply, WorkItemReport } from "@castellan/protocol";
import type { Style } from "./style.ts";
import { formatTable, oneLine, type TableLayout } from "./table.ts";
import { ago, moment } from "./time.ts";

export interface WorkItemLayout {
  readonly style: Style;
  readonly columns: number;
  readonly now: Date;
}

export function formatWorkItems(items: readonly WorkItemReport[], { style, columns, now }: WorkItemLayout): string {
  if (items.length === 0) return "no work items\n";
  const queues = new Set(items.map((item) => item.queue));
  const showsQueue = queues.size > 1 || !queues.has("swadmin");
  const rows = items.map((item) => [
    String(item.caseNumber),
    style.word(item.state),
    style.word(item.severity),
    item.kind,
    oneLine(item.server),
    ...(showsQueue ? [oneLine(item.queue)] : []),
    oneLine(item.lockedBy ?? item.assignedTo ?? "-"),
    String(item.occurrences),
    ago(item.lastSeen, now),
    dueWord(item, style, now),
    oneLine(item.summary),
  ]);
  const head = ["CASE", "STATE", "SEVERITY", "KIND", "SERVER", ...(showsQueue ? ["QUEUE"] : [])];
  const right = (["TIMES", "AGO", "DUE"] as const).map(() => "right" as const);
  return formatTable([...head, "WHO", "TIMES", "AGO", "DUE", "SUMMARY"], rows, {
    columns,
    align: ["right", ...head.map(() => "left" as const), ...right],
  });
}

/** `late`, or how long is left; `-` when somebody knows of it, or there is no deadline. */
function dueWord({ acknowledgedBy, deadline, late }: WorkItemReport, style: Style, now: Date): string {
  if (deadline === null || acknowledgedBy !== null) return "-";
  return late ? style.word("late") : ago(now.toISOString(), new Date(deadline));
}

export function formatWorkItem(detail: WorkItemDetail, { style, columns, now }: WorkItemLayout): string {
  const { item, history, details, next } = detail;
  const late = item.late ? ` ${style.word("late")}` : "";
  const facts: [string, string | null][] = [
    ["state", style.word(item.state)],
    ["queue", oneLine(item.queue)],
    ["severity", `${style.word(item.severity)}, priority ${item.priority}${item.escalated ? ", escalated" : ""}`],
    ["about", oneLine(`${item.kind} ${item.subject} on ${item.server}`)],
    [
      "seen",
      `${moment(item.firstSeen)} to ${moment(item.lastSeen)}, ${item.occurrences === 1 ? "once" : `${item.occurrences} times`}`,
    ],
    ["locked by", item.lockedBy && oneLine(item.lockedBy)],
    ["assigned to", item.assignedTo && oneLine(item.assignedTo)],
    ["known to", item.acknowledgedBy && oneLine(item.acknowledgedBy)],
    ["deadline", item.deadline === null ? null : `${moment(item.deadline)}${late}`],
    [
      "silenced",
      item.silencedUntil === null
        ? null
        : `until ${moment(item.silencedUntil)}, ${ago(now.toISOString(), new Date(item.silencedUntil))} more`,
    ],
  ];
  const shown = facts.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(12)}${value}\n`]));
  const given = Object.entries(details).flatMap(([name, value]) => formatDetail(name, value));
  const advice = next.map(
    ({ text, command }) => `  ${oneLine(text)}${command === null ? "" : `: castellan ${oneLine(command)}`}\n`,
  );
  return [
    `${style.strong(`case ${item.caseNumber}`)}  ${oneLine(item.summary)}\n`,
    ...shown,
    ...(given.length === 0 ? [] : ["details\n", ...given]),
    ...(history.length === 0 ? [] : ["history\n", formatHistory(history, { indent: 2, columns })]),
    ...(advice.length === 0 ? [] : ["next\n", ...advice]),
  ].join("");
}

export function formatHistory(history: readonly WorkItemHistoryEntry[], layout: TableLayout): string {
  const rows = history.map(({ at, what, by, station, note }) => [
    moment(at),
    what,
    oneLine(by),
    oneLine(station ?? "-"),
    oneLine(note ?? ""),
  ]);
  return formatTable(["TIME (UTC)", "WHAT", "BY", "FROM", "NOTE"], rows, layout);
}

/** One line that says how it is now. */
export function formatDone(type: WorkItemAction["type"], { changed, item }: WorkItemReply, user: string): string {
  const already = changed ? "" : " already";
  const name = (who: string | null): string => (who === user ? "you" : oneLine(who ?? "nobody"));
  const says: Readonly<Record<WorkItemAction["type"], string>> = {
    Open: `is open${already}, locked by ${name(item.lockedBy)}`,
    Keep: `is kept${already}`,
    Undo: `is ${item.state} again`,
    BreakLock: `is ${item.state} again`,
    Release: `is released`,
    Forward: `is in queue ${oneLine(item.queue)}${already}`,
    Note: "has your note",
    Acknowledge: changed ? "is known to you: it escalates no more" : `is known to ${name(item.acknowledgedBy)} already`,
    Assign: `is assigned to ${name(item.assignedTo)}${already}`,
    Silence:
      item.silencedUntil === null
        ? `is not silenced${changed ? " any more" : ""}`
        : `is silenced until ${moment(item.silencedUntil)} UTC`,
  };
  return `case ${item.caseNumber} ${says[type]}\n`;
}

function formatDetail(name: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) {
    if (value.length === 0) return [];
    return [`  ${name}\n`, ...value.map((line) => `    ${oneLine(line)}\n`)];
  }
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return [`  ${name.padEnd(12)}${oneLine(text)}\n`];
}
