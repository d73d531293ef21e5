/** What the original's programs print, line by line. Pure. */
import type { CommandVerb, OperationReport, ProcessReport, StepReport } from "@castellan/protocol";
import { formatTable, oneLine } from "../format/table.ts";

/** `hades WIS 3 RUNNING ...` as `STATUS -v` and `swstop` show it: the server by its id. */
export interface StatusLine {
  readonly machineId: number;
  readonly type: string;
  readonly instance: number;
  readonly status: string;
  readonly comment: string | null;
}

const HEAD = ["Machine ID", "Proc Name", "Proc Inst", "Status", "Comment"];

export function formatStatusLines(lines: readonly StatusLine[], columns: number): string {
  const rows = lines.map(({ machineId, type, instance, status, comment }) => [
    String(machineId),
    type,
    String(instance),
    status,
    oneLine(comment ?? ""),
  ]);
  return formatTable(HEAD, rows, { columns });
}

/** Names of types have up to 10 characters. */
const WIDEST: Readonly<Record<string, number>> = { "Proc Name": 10, Status: "SHUTTING DOWN".length };
const WIDTHS = HEAD.map((title) => WIDEST[title] ?? title.length);
const inColumns = (cells: readonly string[]): string =>
  `${cells
    .map((cell, at) => cell.padEnd(WIDTHS[at] ?? 0))
    .join("  ")
    .trimEnd()}\n`;

/** The table's head alone, for lines that come one by one. */
export const STATUS_HEAD = inColumns(HEAD);

/** One line below `STATUS_HEAD`. */
export function formatStatusLine({ machineId, type, instance, status, comment }: StatusLine): string {
  return inColumns([String(machineId), type, String(instance), status, oneLine(comment ?? "")]);
}

/** The documented columns of `swadm show_processes`. */
export function formatProcesses(
  processes: readonly (ProcessReport & { readonly machineId: number })[],
  columns: number,
): string {
  const head = ["Machine ID", "Process Name", "Process Inst", "Enabled", "Persistent", "Last Status", "Status Comment"];
  const rows = processes.map((one) => [
    String(one.machineId),
    one.type,
    String(one.instance),
    yesNo(one.enabled),
    yesNo(one.persistent),
    one.status,
    oneLine(one.comment ?? ""),
  ]);
  return formatTable(head, rows, { columns });
}

export const yesNo = (flag: boolean): string => (flag ? "Y" : "N");

const STARTED = "STARTED";
const DONE: Readonly<Record<StepReport["desired"], string>> = {
  RUNNING: STARTED,
  RESTARTED: STARTED,
  STOPPED: "STOPPED",
  HELD: "STOPPED",
  PAUSED: "PAUSED",
  UNPAUSED: "UNPAUSED",
};

/** `BG 3 STARTED`; where more than one server is concerned, which. */
export function formatResult(step: StepReport, showServer: boolean): string {
  const where = showServer ? ` (${step.server})` : "";
  const label = `${step.type} ${step.instance}`;
  if (step.state === "done") return `${label} ${DONE[step.desired]}${where}\n`;
  const why = step.result === null ? "" : `: ${oneLine(step.result)}`;
  return `${label} ${step.state.toUpperCase()}${where}${why}\n`;
}

const WORDS: Readonly<Record<CommandVerb, string>> = {
  start: "started",
  start_new: "started",
  restart: "started",
  shutdown: "stopped",
  pause: "paused",
  unpause: "unpaused",
};

/** The last line of an operation. */
export function formatEnd(verb: CommandVerb, { state, steps, result }: OperationReport): string {
  const word = WORDS[verb];
  const note = result === null ? "" : oneLine(result);
  if (state === "done") {
    const nothing = steps.length === 0 && note !== "" ? `${note}\n` : "";
    return `${nothing}Process(es) successfully ${word}\n`;
  }
  const done = steps.filter((step) => step.state === "done").length;
  return `Process(es) not ${word}: ${note === "" ? state : note} (${done} of ${steps.length} successfully ${word})\n`;
}
