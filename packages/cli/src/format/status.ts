/** A node's status as a person reads it. Pure. */
import type { ProcessReport, ServerReport, StatusReport } from "@castellan/protocol";
import type { Style } from "./style.ts";
import { formatTable, oneLine } from "./table.ts";
import { ago } from "./time.ts";

export interface StatusLayout {
  readonly style: Style;
  readonly columns: number;
  readonly now: Date;
}

export function formatStatus(report: StatusReport, layout: StatusLayout): string {
  const { style } = layout;
  const { node, state, master, epoch } = report;
  const lines = [
    `${style.strong(node)}  ${style.word(state)}  master ${master ?? "none"}  epoch ${epoch}\n`,
    ...(report.stale ? [`${notice(report, style)}\n`] : []),
    ...versions(report, style),
    ...report.servers.map((server) => `\n${formatServer(server, layout)}`),
  ];
  return lines.join("");
}

/** Servers that work with another release than the others: all right while a node is being upgraded. */
function versions({ servers }: StatusReport, style: Style): string[] {
  const running = servers.filter(({ state, sentinel }) => state !== "down" && sentinel !== null);
  const named = running.map(({ name, sentinel }) => ({ name, program: sentinel?.program ?? BEFORE_IT_WAS_SAID }));
  if (new Set(named.map(({ program }) => program)).size < 2) return [];
  const list = named.map(({ name, program }) => `${name} ${program}`).join(", ");
  return [
    `${style.word("warning")}: not all servers work with the same release: ${list}; \`castellan upgrade\` says what is left\n`,
  ];
}

/** The last release whose sentinels do not say theirs. */
const BEFORE_IT_WAS_SAID = "0.1.0";

function notice({ state, master, servers }: StatusReport, style: Style): string {
  if (state === "STOPPED" && servers.every((server) => server.state === "down")) {
    return "the node is down; `castellan up` brings it up";
  }
  const reason =
    master === null ? "no server is master" : "the bus cannot be reached, or the master has not written for a while";
  return `${style.word("warning")}: this may be out of date: ${reason}`;
}

function formatServer(server: ServerReport, { style, columns, now }: StatusLayout): string {
  const seen = server.lastSeen === null ? "never seen" : `seen ${ago(server.lastSeen, now)} ago`;
  const { workerPid = null, watcherPid = null } = server.sentinel ?? {};
  const pids = [
    ...(workerPid === null ? [] : [`worker ${workerPid}`]),
    ...(watcherPid === null ? [] : [`watcher ${watcherPid}`]),
  ];
  const head = `${style.strong(server.name)}  #${server.id}  ${server.role}  ${style.word(server.state)}  ${style.faint([seen, ...pids].join("  "))}\n`;
  const doubt = server.stale ? "  what runs here is unknown: this is what was recorded last\n" : "";
  if (server.processes.length === 0) return `${head}  no processes are defined\n`;
  const rows = server.processes.map((process) => [
    `${process.type} ${process.instance}`,
    server.stale ? style.faint(`${process.status}?`) : style.word(process.status),
    process.pid === null ? "-" : String(process.pid),
    ago(process.since, now),
    String(process.restarts),
    commentOf(process),
  ]);
  const titles = ["PROCESS", "STATUS", "PID", "FOR", "RESTARTS", "COMMENT"];
  const align = ["left", "left", "right", "right", "right", "left"] as const;
  return `${head}${doubt}${formatTable(titles, rows, { indent: 2, align, columns })}`;
}

function commentOf({ enabled, persistent, comment }: ProcessReport): string {
  const marks = [...(enabled ? [] : ["disabled"]), ...(persistent ? [] : ["not persistent"])];
  return [...marks, ...(comment === null ? [] : [oneLine(comment)])].join("; ");
}
