/**
 * `castellan uninstall`: removes what `init`, `join` and the node itself have put into a home. The order is slaves, master,
 * schema; another one is refused. What people wrote (process types, programs, logs) stays unless `--purge`.
 */
import { rmSync } from "node:fs";
import { type AdminContext, departureOf, refuseSchemaInUse, refuseToUninstall } from "@castellan/admin";
import { homePaths, installedFiles } from "@castellan/daemon";
import { CastellanError, silentLogger, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { dropSchema } from "@castellan/store/typeorm";
import { confirm } from "../confirm.ts";
import { EXIT } from "../exit-code.ts";
import { readSettings, serverHomes } from "../home.ts";
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
  const { home, io, json } = invocation;
  const { yes = false, schema = false, purge = false } = options;
  const settings = await readSettings(home, io.hostName);
  const homes = serverHomes(settings);
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
    const { url, passwordFile } = settings.database;
    await dropSchema({
      url,
      ...(passwordFile !== null && { passwordFile }),
      clock: ctx.clock,
      rng: systemRng,
      logger: silentLogger,
    });
    say(invocation, `the schema of node ${ctx.node} is gone`);
  }
  const removed = [...homes, ...(homes.includes(home) ? [] : [home])].flatMap((one) =>
    purge ? [one] : installedFiles(homePaths(one), { keeps: schema ? null : settings.database.url }),
  );
  for (const path of removed) rmSync(path, { recursive: true, force: true });
  if (json) printJson(invocation, { uninstalled: names, schema, removed });
  else io.out(`${names.join(", ")} uninstalled; removed:\n${removed.map((path) => `  ${path}\n`).join("")}`);
  return EXIT.done;
};

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
