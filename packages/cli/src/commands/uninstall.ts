/**
 * `castellan uninstall`: removes what `init`, `join` and the node itself have put into a home. The order is slaves, master,
 * schema; another one is refused. Cut short, it is begun again. What people wrote (process types, programs, logs) stays unless `--purge`.
 */
import { type AdminContext, departureOf, refuseSchemaInUse, refuseToUninstall } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { readParameters } from "@castellan/store";
import { confirm } from "../confirm.ts";
import { EXIT } from "../exit-code.ts";
import { readSettings, serverHomes } from "../home.ts";
import { findRest, takeAwayFiles, takeAwaySchema } from "../installation/take-away.ts";
import { forgetUninstalling, unfinishedIn } from "../installation/unfinished.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { say } from "../start-node.ts";
import { stopServers } from "./down.ts";
import { leaveNode, removeWhenDown } from "./leave.ts";

export interface UninstallOptions {
  /** Without asking. */
  readonly yes?: boolean;
  /** The schema too, when no server is left. */
  readonly schema?: boolean;
  /** The whole directory, with logs and everything else in it. */
  readonly purge?: boolean;
}

export const run: Run<[UninstallOptions]> = async (invocation, options) => {
  const { home, io } = invocation;
  const { yes = false, schema = false, purge = false } = options;
  const settings = await readSettings(home, io.hostName);
  const homes = serverHomes(settings);
  const all = homes.includes(home) ? homes : [...homes, home];
  const unfinished = await unfinishedIn(home);
  const rest = unfinished === null ? "whole" : await findRest(invocation, settings, unfinished);
  if (unfinished !== null && rest !== "whole") {
    const { servers } = unfinished;
    if (!yes) await confirm(io, `goes on uninstalling ${servers.join(", ")}`, settings.node);
    if (rest === "broken") {
      await takeAwaySchema(settings, unfinished);
      say(invocation, schemaGone(settings.node));
    }
    const keeps = rest === "another" ? settings.database.url : null;
    const removed = takeAwayFiles(all, { purge, keeps });
    forgetUninstalling(home); // where it stands beside a schema that is kept
    return tell(invocation, servers, rest !== "another", removed);
  }
  forgetUninstalling(home);
  const ctx = await invocation.openAdmin();
  const ours = await Promise.all(homes.map(async (one) => await readSettings(one, io.hostName)));
  const departures = await Promise.all(ours.map(({ server }) => departureOf(ctx, server).catch(goneAlready)));
  const members = departures.flatMap((departure) => departure ?? []);
  for (const departure of members) {
    const here = ours.map(({ server }) => server.toLowerCase());
    const others = departure.others.filter((name) => !here.includes(name.toLowerCase()));
    refuseToUninstall({ ...departure, others }, schema);
  }
  const names = ours.map(({ server }) => server);
  if (schema) await refuseSchemaInUse(ctx, names);
  if (!yes) await confirm(io, `uninstalls ${names.join(", ")} of node ${ctx.node}`, ctx.node);
  const isWholeNode = members.length > 0 && members.every(({ others }) => others.length < members.length);
  const last = members.find(({ isMaster }) => isMaster) ?? (isWholeNode ? members.at(-1) : undefined) ?? null;
  // With the whole node at its end, nothing need be moved from one to the other.
  if (isWholeNode) await stopAll(invocation, ctx, homes);
  for (const { server } of members.filter((one) => one !== last)) {
    if (isWholeNode) await removeWhenDown(ctx, server.name);
    else await leaveNode(invocation, ctx, homeOf(ours, server.name), server.name);
    say(invocation, `${server.name} has left node ${ctx.node}`);
  }
  if (schema) {
    await refuseSchemaInUse(ctx, names); // who has joined meanwhile needs it
    const schemaId = (await readParameters(ctx.gateway)).get("schema_id") ?? "unknown";
    await takeAwaySchema(settings, { servers: names, schemaId });
    say(invocation, schemaGone(ctx.node));
  }
  const keeps = schema ? null : settings.database.url;
  return tell(invocation, names, schema, takeAwayFiles(all, { purge, keeps }));
};

const schemaGone = (node: string): string => `the schema of node ${node} is gone`;

function tell(
  invocation: Invocation,
  names: readonly string[],
  schema: boolean,
  removed: readonly string[],
): typeof EXIT.done {
  if (invocation.json) printJson(invocation, { uninstalled: names, schema, removed });
  else {
    const lines = removed.map((path) => `  ${path}\n`);
    invocation.io.out(`${names.join(", ")} uninstalled; removed:\n${lines.join("")}`);
  }
  return EXIT.done;
}

async function stopAll(invocation: Invocation, ctx: AdminContext, homes: readonly string[]): Promise<void> {
  const { code, message } = await stopServers(invocation, ctx, homes);
  if (code !== EXIT.done) throw new CastellanError("NOT_STOPPED", message);
}

const homeOf = (ours: readonly HomeSettings[], name: string): string =>
  ours.find(({ server }) => server.toLowerCase() === name.toLowerCase())?.home ?? "";

/** A server that has left is uninstalled all the same. */
function goneAlready(thrown: unknown): null {
  if (thrown instanceof CastellanError && thrown.code === "UNKNOWN_SERVER") return null;
  throw thrown;
}
