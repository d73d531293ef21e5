/**
 * `castellan up`: a node in this directory, running, whatever was there before. An empty directory becomes a node of one
 * server, or of several (`--servers`), with an example; running pairs are joined; a stopped node is started. Stays in the
 * foreground, shows alerts, and brings a pair back should both its parts be lost; Ctrl-C takes everything down in order.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import type { AdminContext } from "@castellan/admin";
import { hasJoined, homePaths, initialiseHome, isNewHome } from "@castellan/daemon";
import { CastellanError, createSystemClock, silentLogger } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { requireTrust } from "@castellan/trust";
import { attend } from "../attend.ts";
import { bringUpSentinels } from "../bring-up.ts";
import { settleExamplePorts } from "../example-ports.ts";
import { EXIT } from "../exit-code.ts";
import { shellWord } from "../format/shell-word.ts";
import { readSettings, serverHomes } from "../home.ts";
import { homeOption } from "../home-option.ts";
import { recordServer } from "../installation/first-server.ts";
import { withSchema } from "../installation/open-schema.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { makeCluster } from "../new-cluster.ts";
import { exampleDirectory } from "../program-entry.ts";
import { applyExamples, say, startNode } from "../start-node.ts";
import { takeDown } from "./down.ts";

export interface UpOptions {
  readonly example?: string;
  /** A new home begins without any example. */
  readonly bare?: boolean;
  readonly detach?: boolean;
  /** A new home is that of so many servers on this machine. */
  readonly servers?: number;
}

export const run: Run<[UpOptions]> = async (invocation, options) => {
  const { io, home } = invocation;
  const { detach = false } = options;
  const { interrupted } = io;
  requireWritable(home);
  await settleHome(invocation, options);
  const settings = await readSettings(home, io.hostName);
  const homes = serverHomes(settings);
  for (const one of homes) requireCertificate(await readSettings(one, io.hostName));
  for (const one of homes) await prepareSchema(invocation, await readSettings(one, io.hostName));
  const ctx = await bringUp(invocation, settings, homes, detach);
  await applyExamples(invocation, ctx.admin, settings);
  const exitCode = interrupted.aborted ? EXIT.done : await startNode(invocation, ctx.admin, ctx.launched);
  if (!interrupted.aborted) {
    if (detach) {
      if (invocation.json)
        printJson(invocation, { home, node: settings.node, launched: ctx.launched, started: exitCode === EXIT.done });
      return exitCode;
    }
    say(invocation, hints(invocation, homes));
    await attend(invocation, ctx.admin, homes);
  }
  return await takeDown(invocation, ctx.admin, homes);
};

/** Its bus lets nobody in without: what is wrong is said before, not by what does not come up. Throws as `requireTrust`. */
function requireCertificate({ natsServer }: HomeSettings): void {
  const tls = natsServer?.tls ?? null;
  if (tls === null) return;
  requireTrust({ ca: tls.ca, certificate: tls.cert, key: tls.key }, createSystemClock().now());
}

/** Before anything is begun: in a home that is another's, what we leave half done would be in his way. */
function requireWritable(dir: string): void {
  const { home, logs, data, run: runtime } = homePaths(dir);
  for (const path of [home, logs, data, runtime].filter((name) => existsSync(name))) {
    accessSync(path, constants.W_OK | constants.X_OK);
  }
}

/** Makes a new home; refuses what does not fit the one that is there. */
async function settleHome(invocation: Invocation, { servers, bare = false, example }: UpOptions): Promise<void> {
  const { io, home } = invocation;
  const paths = homePaths(home);
  if (!isNewHome(paths)) {
    if (servers !== undefined) refuseOther(await readSettings(home, io.hostName), servers);
    return;
  }
  const from = bare ? null : (example ?? exampleDirectory(servers === undefined ? "01-single-server" : "02-cluster"));
  const ofExample = from === null ? "" : ` from ${from}`;
  if (servers !== undefined) {
    const names = await makeCluster(home, servers, from);
    say(invocation, `made a new home of ${names.length} servers (${names.join(", ")}) in ${home}${ofExample}`);
    return;
  }
  initialiseHome(paths, from);
  say(invocation, `made a new home in ${home}${ofExample}`);
  const moved = await settleExamplePorts(join(home, "types.yaml"));
  if (moved !== null) say(invocation, `ports 2808x are taken on this host: the example uses ${moved}x`);
}

function refuseOther({ home, servers }: HomeSettings, asked: number): void {
  if (servers.length === asked) return;
  const there = servers.length === 0 ? "a node of one server" : `${servers.length} servers (${servers.join(", ")})`;
  throw new CastellanError(
    "HOME_IN_USE",
    `${home} holds ${there} already: leave --servers out to bring up what is there, or take another directory`,
    { details: { home, servers, asked } },
  );
}

/**
 * Makes the schema if there is none, and this server a member when it comes for the first time. One that was a member and
 * is none any more has been taken out by somebody. Throws NOT_A_MEMBER, PARAMETERS_DIFFER.
 */
async function prepareSchema(invocation: Invocation, settings: HomeSettings): Promise<void> {
  const { home, node, server } = settings;
  await withSchema(invocation, settings, "ifEmpty", async (ctx) => {
    const wasMember = await hasJoined(homePaths(home).ledger, { node, server }, silentLogger);
    if (wasMember && (await isTakenOut(ctx.gateway, server))) {
      throw new CastellanError(
        "NOT_A_MEMBER",
        `server ${server} has been taken out of node ${node}: it may not run; castellan join (or swadm add_server ${server}) takes it in again`,
      );
    }
    await recordServer(ctx, settings);
  });
}

async function isTakenOut(gateway: Gateway, server: string): Promise<boolean> {
  const [[node], [row]] = await Promise.all([
    gateway.find("nodes", { limit: 1 }),
    gateway.find("node_cluster", { where: { physical_machine_name: server } }),
  ]);
  return node !== undefined && row === undefined;
}

/** `launched`: the servers whose sentinels were not there before. */
async function bringUp(
  invocation: Invocation,
  { servers }: HomeSettings,
  homes: readonly string[],
  detach: boolean,
): Promise<{ readonly admin: AdminContext; readonly launched: readonly string[] }> {
  const isOne = servers.length === 0;
  say(invocation, isOne ? "bringing up the sentinel of this server" : `bringing up ${servers.join(", ")}`);
  const up = await bringUpSentinels(invocation.io, homes, ({ server, how, tookMs }) => {
    if (!isOne) say(invocation, how === "joined" ? `${server} was up` : `${server} is up (${seconds(tookMs)})`);
  });
  const launched = up.filter(({ how }) => how === "launched").map(({ server }) => server);
  if (launched.length < up.length && !detach)
    say(invocation, "it was running: Ctrl-C here stops the whole node, whoever started it");
  return { admin: await invocation.openAdmin(), launched };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function hints({ io, home }: Pick<Invocation, "io" | "home">, homes: readonly string[]): string {
  const at = homeOption(io, home);
  return [
    "",
    "try, in another terminal:",
    `  npx castellan status --watch${at}`,
    `  npx castellan alerts --follow${at}`,
    `  echo "it broke" >> ${shellWord(join(homes.at(-1) ?? home, "logs", "sw_error"))}`,
    `  npx castellan workitem list${at}`,
    "Ctrl-C stops everything in order.",
    "",
  ].join("\n");
}
