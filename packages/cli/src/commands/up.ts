/**
 * `castellan up`: a node in this directory, running, whatever was there before. An empty directory becomes a node of one
 * server with an example; a running pair is joined; a stopped node is started. Stays in the foreground, shows alerts, and
 * brings the pair back should both its parts be lost; Ctrl-C takes everything down in order.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { type AdminContext, applySpec, followAlerts } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { bringUpPair, type HomePaths, homePaths, initialiseHome, isNewHome, pairState } from "@castellan/daemon";
import { CastellanError, createSystemClock, silentLogger, sleep, systemRng } from "@castellan/kernel";
import { loadConfigFile } from "@castellan/kernel/config";
import { type HomeSettings, NodeSpec, type OperationReport, type StatusReport } from "@castellan/protocol";
import { bootstrapNode } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { bringUpSentinel } from "../bring-up.ts";
import { settleExamplePorts } from "../example-ports.ts";
import { EXIT } from "../exit-code.ts";
import { formatAlert } from "../format/alert.ts";
import { shellWord } from "../format/shell-word.ts";
import { createStyle } from "../format/style.ts";
import { readSettings } from "../home.ts";
import { homeOption } from "../home-option.ts";
import type { Invocation, Run } from "../invocation.ts";
import { exampleDirectory, programEntry } from "../program-entry.ts";
import { hasEndedInOrder, takeDown } from "./down.ts";
import { followOperation, runOperation } from "./operation.ts";

export interface UpOptions {
  readonly example?: string;
  /** A new home begins without any example. */
  readonly bare?: boolean;
  readonly detach?: boolean;
}

/** What a node without any process type takes from its home. */
const TYPES_FILES = ["types.yaml", "etc/types.yaml"];
const WATCH_MS = 1000;

export const run: Run<[UpOptions]> = async (invocation, { example, bare = false, detach = false }) => {
  const { io, home } = invocation;
  const paths = homePaths(home);
  const { interrupted } = io;
  requireWritable(paths);
  const isNew = isNewHome(paths);
  if (isNew) await makeNewHome(invocation, paths, bare ? null : (example ?? exampleDirectory()));
  await prepareSchema(invocation, await readSettings(home, io.hostName));
  const how = await bringUpSentinel(invocation, (begun) =>
    say(
      invocation,
      begun === "joined"
        ? `the sentinel of this server is running${detach ? "" : "; Ctrl-C here stops the whole node, whoever started it"}`
        : "starting the sentinel of this server",
    ),
  );
  const ctx = await invocation.openAdmin();
  for (const name of TYPES_FILES) await applyExample(invocation, ctx, join(home, name));
  const exitCode = interrupted.aborted ? EXIT.done : await startNode(invocation, ctx, how === "joined");
  if (!interrupted.aborted) {
    if (detach) return exitCode;
    say(invocation, hints(invocation));
    await attend(invocation, ctx, paths);
  }
  return await takeDown(invocation, ctx, paths);
};

/** Before anything is begun: in a home that is another's, what we leave half done would be in his way. */
function requireWritable({ home, logs, data, run: runtime }: HomePaths): void {
  for (const path of [home, logs, data, runtime].filter((name) => existsSync(name))) {
    accessSync(path, constants.W_OK | constants.X_OK);
  }
}

async function makeNewHome(invocation: Invocation, paths: HomePaths, example: string | null): Promise<void> {
  initialiseHome(paths, example);
  say(invocation, `made a new home in ${paths.home}${example === null ? "" : ` from ${example}`}`);
  const moved = await settleExamplePorts(join(paths.home, "types.yaml"));
  if (moved !== null) say(invocation, `ports 2808x are taken on this host: the example uses ${moved}x`);
}

function say({ io, json }: Invocation, text: string): void {
  if (!json) io.out(`${text}\n`);
}

/** Makes the schema if there is none, and this server its first member if it has none. */
async function prepareSchema({ home }: Invocation, settings: HomeSettings): Promise<void> {
  const clock = createSystemClock();
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

/** A node without any process type takes those its home brings along. */
async function applyExample(invocation: Invocation, ctx: AdminContext, file: string): Promise<void> {
  if (!existsSync(file) || (await ctx.gateway.find("process_type", { limit: 1 })).length > 0) return;
  const [here] = (await status(ctx)).servers;
  const spec = loadConfigFile(file, NodeSpec);
  const count = Object.keys(spec.types).length;
  if (count === 0) return;
  await applySpec(ctx, spec, { dryRun: false });
  say(invocation, `took ${count} process types from ${file} for server ${here?.name ?? ""}`);
}

/** Starts what is enabled; `isKept`: unless the schema says that it runs. Interrupted, it waits no longer. */
async function startNode(invocation: Invocation, ctx: AdminContext, isKept: boolean): Promise<number> {
  const report = await status(ctx);
  // What the schema says was true when the last sentinel ended, which may have been before a boot of the host.
  const runs = isKept && report.state === "RUNNING";
  if (runs || countProcesses(report) === 0) {
    say(invocation, runs ? "the node is RUNNING" : nothingDefined(invocation));
    return EXIT.done;
  }
  try {
    const { state } = await runStart(invocation, ctx);
    return state === "done" ? EXIT.done : EXIT.refused;
  } catch (thrown) {
    if (!invocation.io.interrupted.aborted) throw thrown;
    return EXIT.done; // whatever has begun is taken down next
  }
}

/** What is already under way (the same `up` twice, an operation that outlived a killed `up`) is followed to its end first. */
async function runStart(invocation: Invocation, ctx: AdminContext): Promise<OperationReport> {
  const { interrupted } = invocation.io;
  for (;;) {
    try {
      return await runOperation(invocation, ctx, "start", {}, { signal: interrupted });
    } catch (thrown) {
      const { operationId } = thrown instanceof CastellanError && thrown.code === "BUSY" ? thrown.details : {};
      if (typeof operationId !== "string") throw thrown;
      await followOperation(invocation, ctx, operationId, interrupted);
    }
  }
}

function nothingDefined({ io, home }: Invocation): string {
  const file = shellWord(join(home, TYPES_FILES[1] ?? ""));
  const option = homeOption(io, home);
  return `no processes are defined yet: write ${file}, then: castellan apply ${file}${option} && castellan start${option}`;
}

const countProcesses = ({ servers }: StatusReport): number =>
  servers.reduce((sum, { processes }) => sum + processes.length, 0);

function hints({ io, home }: Pick<Invocation, "io" | "home">): string {
  const at = homeOption(io, home);
  return [
    "",
    "try, in another terminal:",
    `  npx castellan status --watch${at}`,
    `  npx castellan alerts --follow${at}`,
    `  echo "it broke" >> ${shellWord(join(home, "logs", "sw_error"))}`,
    `  npx castellan workitem list${at}`,
    "Ctrl-C stops everything in order.",
    "",
  ].join("\n");
}

/** Shows alerts until interrupted; a pair that is lost altogether is brought back. */
async function attend(invocation: Invocation, ctx: AdminContext, paths: HomePaths): Promise<void> {
  const { io } = invocation;
  const style = createStyle(io.outColour);
  const feed = await followAlerts(ctx, {
    alert: (received) => say(invocation, formatAlert(received, style).trimEnd()),
    problem: () => undefined, // `castellan alerts` is for those who want to see strangers' events
  });
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
