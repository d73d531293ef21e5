/** Work items as a person reads them. Pure. */
import type { WorkItemDetail } from "@castellan/admin/read";
import type { WorkItemReport } from "@castellan/protocol";
import type { Style } from "./style.ts";
import { formatTable, oneLine } from "./table.ts";
import { ago, moment } from "./time.ts";

export interface WorkItemLayout {
  readonly style: Style;
  readonly columns: number;
  readonly now: Date;
}

export function formatWorkItems(items: readonly WorkItemReport[], { style, columns, now }: WorkItemLayout): string {
  if (items.length === 0) return "no work items\n";
  const rows = items.map((item) => [
    String(item.caseNumber),
    style.word(item.state),
    style.word(item.severity),
    item.kind,
    oneLine(item.server),
    String(item.occurrences),
    ago(item.lastSeen, now),
    oneLine(item.summary),
  ]);
  const head = ["CASE", "STATE", "SEVERITY", "KIND", "SERVER", "TIMES", "AGO", "SUMMARY"];
  return formatTable(head, rows, { columns, align: ["right", "left", "left", "left", "left", "right", "right"] });
}

export function formatWorkItem({ item, history, details }: WorkItemDetail, { style, columns }: WorkItemLayout): string {
  const facts: [string, string | null][] = [
    ["state", style.word(item.state)],
    ["queue", item.queue],
    ["severity", `${style.word(item.severity)}, priority ${item.priority}`],
    ["about", oneLine(`${item.kind} ${item.subject} on ${item.server}`)],
    [
      "seen",
      `${moment(item.firstSeen)} to ${moment(item.lastSeen)}, ${item.occurrences === 1 ? "once" : `${item.occurrences} times`}`,
    ],
    ["locked by", item.lockedBy && oneLine(item.lockedBy)],
    ["assigned to", item.assignedTo && oneLine(item.assignedTo)],
    ["deadline", item.deadline === null ? null : moment(item.deadline)],
  ];
  const shown = facts.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(12)}${value}\n`]));
  const given = Object.entries(details).flatMap(([name, value]) => formatDetail(name, value));
  const events = history.map((event) => [moment(event.at), event.what, oneLine(event.by), oneLine(event.note ?? "")]);
  return [
    `${style.strong(`case ${item.caseNumber}`)}  ${oneLine(item.summary)}\n`,
    ...shown,
    ...(given.length === 0 ? [] : ["details\n", ...given]),
    ...(events.length === 0
      ? []
      : ["history\n", formatTable(["TIME (UTC)", "WHAT", "BY", "NOTE"], events, { indent: 2, columns })]),
  ].join("");
}

function formatDetail(name: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) {
    if (value.length === 0) return [];
    return [`  ${name}\n`, ...value.map((line) => `    ${oneLine(line)}\n`)];
  }
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return [`  ${name.padEnd(12)}${oneLine(text)}\n`];
}
