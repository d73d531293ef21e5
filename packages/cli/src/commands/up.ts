/**
 * `castellan up`: a node in this directory, running, whatever was there before. An empty directory becomes a node of one
 * server with an example; a running pair is joined; a stopped node is started. Stays in the foreground, shows alerts, and
 * brings the pair back should both its parts be lost; Ctrl-C takes everything down in order.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AdminContext, applySpec, followAlerts } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { bringUpPair, type HomePaths, homePaths, initialiseHome, isNewHome, pairState } from "@castellan/daemon";
import { CastellanError, type Clock, createSystemClock, silentLogger, sleep, systemRng } from "@castellan/kernel";
import { loadConfigFile, parseConfig } from "@castellan/kernel/config";
import { Endpoints, type HomeSettings, NodeSpec, type StatusReport } from "@castellan/protocol";
import { bootstrapNode } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { settleExamplePorts } from "../example-ports.ts";
import { EXIT } from "../exit-code.ts";
import { formatAlert } from "../format/alert.ts";
import { createStyle } from "../format/style.ts";
import { readSettings } from "../home.ts";
import type { Invocation, Run } from "../invocation.ts";
import { programEntry } from "../program-entry.ts";
import { takeDown } from "./down.ts";
import { runOperation } from "./operation.ts";

export interface UpOptions {
  readonly example?: string;
  readonly detach?: boolean;
}

/** What a new home begins with unless told otherwise. */
const EXAMPLE = fileURLToPath(new URL("../../../../deploy/examples/01-single-server", import.meta.url));
/** How long the sentinel may take to come up, milliseconds. */
const PAIR_WITHIN_MS = 30_000;
const LOOK_MS = 100;
const WATCH_MS = 1000;

export const run: Run<[UpOptions]> = async (invocation, { example, detach = false }) => {
  const { io, home } = invocation;
  const paths = homePaths(home);
  const clock = createSystemClock();
  const { interrupted } = io;
  const isNew = isNewHome(paths);
  if (isNew) {
    initialiseHome(paths, example ?? (existsSync(EXAMPLE) ? EXAMPLE : null));
    await settleExamplePorts(join(home, "types.yaml"));
    say(invocation, `made a new home in ${home}`);
  }
  const settings = await readSettings(home, io.hostName);
  await prepareSchema(invocation, settings, clock);
  const how = bringUpPair(paths, programEntry(), { ...io.env });
  say(invocation, how === "joined" ? "the sentinel of this server is running" : "starting the sentinel of this server");
  await awaitSentinel(paths, settings, clock, interrupted);
  const ctx = await invocation.openAdmin();
  await applyExample(invocation, ctx, join(home, "types.yaml"));
  const exitCode = await startNode(invocation, ctx);
  if (detach || interrupted.aborted) return interrupted.aborted ? await takeDown(invocation, ctx, paths) : exitCode;
  say(invocation, hints(home));
  await attend(invocation, ctx, paths);
  return await takeDown(invocation, ctx, paths);
};

function say({ io, json }: Invocation, text: string): void {
  if (!json) io.out(`${text}\n`);
}

/** Makes the schema if there is none, and this server its first member if it has none. */
async function prepareSchema({ home }: Invocation, settings: HomeSettings, clock: Clock): Promise<void> {
  const { url, passwordFile } = settings.database;
  const gateway = await openGateway({
    url,
    ...(passwordFile === null ? {} : { passwordFile }),
    clock,
    rng: systemRng,
    logger: silentLogger,
    migrate: "ifEmpty",
  });
  try {
    await bootstrapNode(gateway, { node: settings.node, dirName: home.slice(-255), server: settings.server, clock });
  } finally {
    await gateway.close();
  }
}

/** Resolves when the worker of this home has written where it can be reached. */
async function awaitSentinel(
  paths: HomePaths,
  settings: HomeSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const deadline = clock.bootMs() + PAIR_WITHIN_MS;
  while (!signal.aborted) {
    const { worker, watcher } = pairState(paths);
    if (worker !== null && watcher !== null && endpointsAreOf(paths, settings)) return;
    if (clock.bootMs() > deadline) {
      throw new CastellanError(
        "SENTINEL_NOT_UP",
        `the sentinel did not come up within ${PAIR_WITHIN_MS / 1000} s: see ${join(paths.logs, "castellan-worker.log")}`,
      );
    }
    await sleep(clock, LOOK_MS, signal);
  }
}

function endpointsAreOf(paths: HomePaths, { server }: HomeSettings): boolean {
  if (!existsSync(paths.endpoints)) return false;
  return parseConfig(readFileSync(paths.endpoints, "utf8"), paths.endpoints, Endpoints).server === server;
}

/** A node without any process type takes those its home brings along. */
async function applyExample(invocation: Invocation, ctx: AdminContext, file: string): Promise<void> {
  if (!existsSync(file) || (await ctx.gateway.find("process_type", { limit: 1 })).length > 0) return;
  const [here] = (await status(ctx)).servers;
  const spec = loadConfigFile(file, NodeSpec);
  await applySpec(ctx, spec, { dryRun: false });
  say(invocation, `took ${Object.keys(spec.types).length} process types from ${file} for server ${here?.name ?? ""}`);
}

/** Starts what is enabled unless the node runs. */
async function startNode(invocation: Invocation, ctx: AdminContext): Promise<number> {
  const report = await status(ctx);
  if (report.state === "RUNNING" || countProcesses(report) === 0) {
    say(invocation, countProcesses(report) === 0 ? "no processes are defined yet" : "the node is RUNNING");
    return EXIT.done;
  }
  const { state } = await runOperation(invocation, ctx, "start", {});
  return state === "done" ? EXIT.done : EXIT.refused;
}

const countProcesses = ({ servers }: StatusReport): number =>
  servers.reduce((sum, { processes }) => sum + processes.length, 0);

function hints(home: string): string {
  const at = `--home ${home}`;
  return [
    "",
    "try, in another terminal:",
    `  npx castellan status --watch ${at}`,
    `  npx castellan alerts --follow ${at}`,
    `  echo "it broke" >> ${join(home, "logs", "sw_error")}`,
    `  npx castellan workitem list ${at}`,
    "Ctrl-C stops everything in order.",
    "",
  ].join("\n");
}

/** Shows alerts until interrupted; a pair that is lost altogether is brought back. */
async function attend(invocation: Invocation, ctx: AdminContext, paths: HomePaths): Promise<void> {
  const { io } = invocation;
  const style = createStyle(io.outColour);
  const feed = await followAlerts(
    ctx,
    (received) => say(invocation, formatAlert(received, style).trimEnd()),
    () => undefined, // `castellan alerts` is for those who want to see strangers' events
  );
  let lostLooks = 0;
  while (!io.interrupted.aborted) {
    const { worker, watcher } = pairState(paths);
    lostLooks = worker === null && watcher === null ? lostLooks + 1 : 0;
    if (lostLooks >= 2) {
      if (await hasEndedInOrder(ctx)) break;
      say(invocation, "worker and watcher are gone: starting them again");
      bringUpPair(paths, programEntry(), { ...io.env });
      lostLooks = 0;
    }
    await sleep(ctx.clock, WATCH_MS, io.interrupted);
  }
  feed.close();
}

/** `castellan down` from elsewhere: nothing runs and nobody is to run it. */
async function hasEndedInOrder(ctx: AdminContext): Promise<boolean> {
  return (await status(ctx)).state === "STOPPED";
}
