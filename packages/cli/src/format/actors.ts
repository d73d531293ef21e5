/** The actors of a sentinel as a person reads them. Pure. */
import { formatDuration } from "@castellan/kernel";
import type { ActorReport, ActorsReport } from "@castellan/protocol";
import type { Style } from "./style.ts";
import { formatTable, oneLine } from "./table.ts";
import { moment } from "./time.ts";

const TITLES = ["ACTOR", "STATE", "FOR", "RESTARTS", "WAITING", "MOST", "DROPPED", "HANDLED"];
const ALIGN = ["left", "left", "right", "right", "right", "right", "right", "right"] as const;

export function formatActors(report: ActorsReport, style: Style, columns: number): string {
  const { server, actors, omitted } = report;
  const rows = actors.map((actor) => [
    nameOf(actor),
    actor.state,
    formatDuration(actor.stateMs),
    ...[actor.restarts, actor.mailbox, actor.highWater, actor.dropped, actor.processed].map(String),
  ]);
  const more = omitted === 0 ? "" : `  and ${omitted} more\n`;
  const head = `${style.strong(server)}  ${actors.length + omitted} actors\n`;
  return `${head}${formatTable(TITLES, rows, { indent: 2, align: ALIGN, columns })}${more}\n${formatLetters(report, style)}`;
}

/** Its last name under its parents, and what it is if the name does not say it. */
function nameOf({ path, kind }: ActorReport): string {
  const names = path.split("/").slice(2);
  const name = oneLine(names.at(-1) ?? path);
  return `${"  ".repeat(Math.max(0, names.length - 1))}${name}${kind === name ? "" : ` (${oneLine(kind)})`}`;
}

function formatLetters({ deadLetters }: ActorsReport, style: Style): string {
  const { total, byReason, recent } = deadLetters;
  if (total === 0) return "no dead letters\n";
  const reasons = Object.entries(byReason).map(([reason, count]) => `${reason} ${count}`);
  const rows = recent.map(({ at, reason, type, path }) => [moment(at), reason, oneLine(type), oneLine(path)]);
  const title = total === 1 ? "1 dead letter" : `${total} dead letters`;
  return `${style.strong(title)}  ${reasons.join(", ")}\n${formatTable(["AT", "REASON", "MESSAGE", "FOR"], rows, { indent: 2 })}`;
}
