/** An explanation as a person reads it: one instance at length, several each in a few lines. Pure. */
import type { DependencyState, Explanation, InstanceExplanation } from "@castellan/admin";
import { formatDuration } from "@castellan/kernel";
import type { ProcessType } from "@castellan/protocol";
import type { Style } from "./style.ts";
import { formatTable, oneLine } from "./table.ts";
import { ago, moment } from "./time.ts";

export interface ExplanationLayout {
  readonly style: Style;
  readonly columns: number;
  readonly now: Date;
}

export function formatExplanation(explanation: Explanation, layout: ExplanationLayout): string {
  const { type, instances } = explanation;
  const [only] = instances;
  const isOne = instances.length === 1;
  return [
    ...instances.map((instance) => formatHead(type, instance, layout)),
    ...(instances.length === 0 ? [`no instance of ${type} is defined\n`] : []),
    `\n${formatType(explanation, layout.style)}`,
    ...(isOne && only !== undefined ? [formatRest(only, layout)] : []),
  ].join("");
}

function formatHead(type: string, one: InstanceExplanation, { style, now }: ExplanationLayout): string {
  const since = one.since === null ? "" : ` for ${ago(one.since, now)}`;
  const pid = one.pid === null ? "" : `, pid ${one.pid}`;
  const head = `${style.strong(`${type} ${one.instance}`)} on ${one.server}: ${style.word(one.status)}${since}${pid}\n`;
  return head + one.reasons.map((reason) => `  ${oneLine(reason)}\n`).join("");
}

function formatType({ type, definition, problem, dependencies, neededBy }: Explanation, style: Style): string {
  const lines = definition === null ? [problem ?? "not defined"] : definitionLines(definition);
  return [
    `${style.strong(`type ${type}`)}\n`,
    ...lines.map((line) => `  ${oneLine(line)}\n`),
    ...dependencies.map((dependency) => `  needs      ${formatDependency(dependency, style)}\n`),
    ...(neededBy.length === 0 ? [] : [`  needed by  ${neededBy.join(", ")}\n`]),
  ].join("");
}

function definitionLines({ command, cwd, layer, exclusive, dynamic, pausable, ready, stop }: ProcessType): string[] {
  const traits = [
    layer === "foreground" ? "foreground: runs on the master" : "background",
    ...(exclusive ? ["at most one in the node"] : []),
    ...(dynamic ? [] : ["starts and stops with its server only"]),
    ...(pausable ? ["pausable"] : []),
  ];
  return [
    `command    ${command.join(" ")}${cwd === "." ? "" : `  (in ${cwd})`}`,
    `ready      ${readyWords(ready)}`,
    `stop       ${stop.signal}, killed after ${formatDuration(stop.grace)}`,
    `kind       ${traits.join(", ")}`,
  ];
}

function readyWords(ready: ProcessType["ready"]): string {
  if ("none" in ready) return "as soon as it runs";
  const within = ` within ${formatDuration(ready.timeout)}`;
  if ("tcp" in ready) return `when ${typeof ready.tcp === "number" ? `port ${ready.tcp}` : ready.tcp} accepts${within}`;
  if ("http" in ready) return `when ${ready.http} answers${within}`;
  if ("exec" in ready) return `when ${ready.exec.join(" ")} ends with 0${within}`;
  return `when it prints ${ready.logLine}${within}`;
}

function formatDependency({ type, ready, enabled, missing, onRestart }: DependencyState, style: Style): string {
  const policy = onRestart === "none" ? "" : `  (when it restarts: ${onRestart})`;
  if (enabled === 0) return `${type}: none is enabled${policy}`;
  const state = missing.length === 0 ? style.word("ok") : style.word("fail");
  const rest = missing.length === 0 ? "" : `: ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", ..." : ""}`;
  return `${type}  ${state}  ${ready} of ${enabled} ready${rest}${policy}`;
}

function formatRest(one: InstanceExplanation, { style, columns }: ExplanationLayout): string {
  const { count, withinSeconds, most } = one.deaths;
  const limit = most === 0 ? "never given up" : `given up after ${most} new attempts`;
  const set = one.attributes.map(({ name, value, from }) => [name, value, from === null ? "default" : placeOf(from)]);
  const events = one.events.map(({ at, what, pid, comment }) => [
    moment(at),
    what,
    pid === null ? "-" : String(pid),
    oneLine(comment ?? ""),
  ]);
  const items = one.workItems.map(
    (item) => `  case ${item.caseNumber}  ${style.word(item.state)}  ${oneLine(item.summary)}\n`,
  );
  return [
    `\n${style.strong("restarts")}\n  died ${count} times in the last ${withinSeconds} s; ${limit}\n`,
    `\n${style.strong("attributes")}\n`,
    formatTable(["NAME", "VALUE", "FROM"], set, { indent: 2, columns }),
    ...(events.length === 0
      ? []
      : [
          `\n${style.strong("events")}\n`,
          formatTable(["TIME (UTC)", "WHAT", "PID", "COMMENT"], events, { indent: 2, columns }),
        ]),
    ...(items.length === 0 ? [] : [`\n${style.strong("work items")}\n`, ...items]),
  ].join("");
}

function placeOf({ server, type, instance }: NonNullable<InstanceExplanation["attributes"][number]["from"]>): string {
  const words = [server ?? (type === null ? null : "all servers"), type, instance === null ? null : String(instance)];
  const said = words.filter((word) => word !== null);
  return said.length === 0 ? "the node" : said.join(" ");
}
