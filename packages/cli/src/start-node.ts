/** The node's processes are started as `castellan up` finds them: those of its example first, if it has none. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type AdminContext, applySpec } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { CastellanError, sleep } from "@castellan/kernel";
import { loadConfigFile } from "@castellan/kernel/config";
import { type HomeSettings, NodeSpec, type OperationReport, type StatusReport, type Target } from "@castellan/protocol";
import { EXIT } from "./exit-code.ts";
import { shellWord } from "./format/shell-word.ts";
import { homeOption } from "./home-option.ts";
import type { Invocation } from "./invocation.ts";
import { runPatiently } from "./run-patiently.ts";
import { awaitedServers, passes } from "./start-outcome.ts";

/** What a node without any process type takes from its home. */
const TYPES_FILES = ["types.yaml", "etc/types.yaml"];
const NOTICED_WITHIN_MS = 15_000;
const LOOK_MS = 100;
/** Several servers, their buses and what moves between them find each other within this, milliseconds. */
const TOGETHER_WITHIN_MS = 60_000;
/** Each try is on record. */
const AGAIN_MS = 1000;

/** A node without any process type takes those its home brings along, once every server that they are for is a member. */
export async function applyExamples(invocation: Invocation, ctx: AdminContext, settings: HomeSettings): Promise<void> {
  // A bus on loopback of its own is one that no other server joins.
  const mayGrow = settings.nats !== null || (settings.natsServer?.cluster ?? null) !== null;
  for (const name of TYPES_FILES) await applyExample(invocation, ctx, join(invocation.home, name), mayGrow);
}

async function applyExample(invocation: Invocation, ctx: AdminContext, file: string, mayGrow: boolean): Promise<void> {
  if (!existsSync(file) || (await ctx.gateway.find("process_type", { limit: 1 })).length > 0) return;
  const names = (await status(ctx)).servers.map(({ name }) => name);
  const spec = loadConfigFile(file, NodeSpec);
  const count = Object.keys(spec.types).length;
  if (count === 0) return;
  const missing = Object.keys(spec.servers).filter((key) => !["master", ...names].includes(key.toLowerCase()));
  if (mayGrow && missing.length > 0) {
    say(invocation, `${file} waits for ${missing.join(", ")}: no member of the node yet`);
    return;
  }
  await applySpec(ctx, spec, { dryRun: false });
  say(
    invocation,
    `took ${count} process types from ${file} for ${names.length === 1 ? "server" : "servers"} ${names.join(", ")}`,
  );
}

/**
 * Starts what is enabled: on the servers that were `launched` where something of the node runs, else everywhere. If none was,
 * only when the schema does not say that the node runs. Interrupted, it waits no longer.
 */
export async function startNode(
  invocation: Invocation,
  ctx: AdminContext,
  launched: readonly string[],
): Promise<number> {
  const { interrupted } = invocation.io;
  const beganMs = ctx.clock.bootMs();
  const report = await untilUp(ctx, launched, beganMs, interrupted);
  // What the schema says of a server whose sentinel was gone was true when that ended, which may have been before a boot.
  const runs = launched.length === 0 && (report.state === "RUNNING" || report.state === "DEGRADED");
  if (runs || countProcesses(report) === 0) {
    say(invocation, runs ? `the node is ${report.state}` : nothingDefined(invocation));
    return EXIT.done;
  }
  const isPart = launched.length > 0 && launched.length < report.servers.length && report.state !== "STOPPED";
  const targets = isPart ? launched.map((server) => ({ server })) : [{}];
  const untilMs = report.servers.length > 1 ? beganMs + TOGETHER_WITHIN_MS : null;
  try {
    let isDone = true;
    for (const target of targets) {
      const awaited = awaitedServers(await startAmong(invocation, ctx, target, untilMs), launched);
      if (awaited === null) isDone = false;
      else if (awaited.length > 0)
        say(invocation, `not up yet: ${awaited.join(", ")}; what was not begun begins as soon as they are`);
    }
    return isDone ? EXIT.done : EXIT.refused;
  } catch (thrown) {
    if (!interrupted.aborted) throw thrown;
    return EXIT.done; // whatever has begun is taken down next
  }
}

/**
 * After what is under way: the same `up` twice, an operation that outlived a killed `up`. Where the servers are begun at the same
 * moment, what keeps this one from being started may pass: it is tried again until `untilMs`. Null: there are no others.
 */
async function startAmong(
  invocation: Invocation,
  ctx: AdminContext,
  target: Target,
  untilMs: number | null,
): Promise<OperationReport> {
  const { interrupted } = invocation.io;
  let said = "";
  for (;;) {
    try {
      return await runPatiently(invocation, ctx, "start", target, { signal: interrupted });
    } catch (thrown) {
      const mayPass = thrown instanceof CastellanError && passes(thrown.code) && untilMs !== null;
      if (!mayPass || interrupted.aborted || ctx.clock.bootMs() >= untilMs) throw thrown;
      if (said !== thrown.code) say(invocation, `not yet: ${thrown.message}`);
      said = thrown.code;
      await sleep(ctx.clock, AGAIN_MS, interrupted);
    }
  }
}

/**
 * The master may not have noticed yet that they are there; what is to be started on a lost server is left for later. Answers
 * what there is then.
 */
async function untilUp(
  ctx: AdminContext,
  servers: readonly string[],
  beganMs: number,
  signal: AbortSignal,
): Promise<StatusReport> {
  for (;;) {
    const report = await status(ctx);
    const isUp = servers.every((name) => report.servers.find((server) => server.name === name)?.state === "up");
    const withinMs = report.servers.length > 1 ? TOGETHER_WITHIN_MS : NOTICED_WITHIN_MS;
    if (isUp || signal.aborted || ctx.clock.bootMs() - beganMs >= withinMs) return report;
    await sleep(ctx.clock, LOOK_MS, signal);
  }
}

function nothingDefined({ io, home }: Invocation): string {
  const file = shellWord(join(home, TYPES_FILES[1] ?? ""));
  const option = homeOption(io, home);
  return `no processes are defined yet: write ${file}, then: castellan apply ${file}${option} && castellan start${option}`;
}

const countProcesses = ({ servers }: StatusReport): number =>
  servers.reduce((sum, { processes }) => sum + processes.length, 0);

/** For a person. */
export function say({ io, json }: Pick<Invocation, "io" | "json">, text: string): void {
  if (!json) io.out(`${text}\n`);
}
