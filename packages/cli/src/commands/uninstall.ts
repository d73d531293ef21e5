/**
 * `castellan uninstall`: removes what `init`, `join` and the node itself have put into a home. The order is slaves, master,
 * schema; another one is refused. Cut short, it is begun again. What people wrote (process types, programs, logs) stays unless `--purge`,
 * and so does the authority of a node whose other servers, or whose schema, remain: without it nobody could join them or be renewed.
 */
import { join } from "node:path";
import { type AdminContext, departureOf, refuseSchemaInUse, refuseToUninstall } from "@castellan/admin";
import { homePaths, refuseOtherSchema } from "@castellan/daemon";
import { CastellanError } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { confirm } from "../confirm.ts";
import { EXIT } from "../exit-code.ts";
import { readSettings, serverHomes } from "../home.ts";
import { authoritiesIn, findRest, idOfSchema, takeAwayFiles, takeAwaySchema } from "../installation/take-away.ts";
import { forgetUninstalling, type Remains, type Unfinished, unfinishedIn } from "../installation/unfinished.ts";
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
  const unfinished = await unfinishedIn(home);
  const rest = unfinished === null ? "whole" : await findRest(invocation, settings, unfinished);
  if (unfinished !== null && rest !== "whole")
    return await goOn(invocation, settings, { unfinished, rest, ...options });
  forgetUninstalling(home);
  const ctx = await invocation.openAdmin();
  const ours = await Promise.all(serverHomes(settings).map(async (one) => await readSettings(one, io.hostName)));
  for (const one of ours) {
    await refuseOtherSchema({ gateway: ctx.gateway, settings: one, paths: homePaths(one.home) });
  }
  const departures = await Promise.all(ours.map(({ server }) => departureOf(ctx, server).catch(goneAlready)));
  const installed = ours.map(({ server }) => server);
  // Each may have been uninstalled by its own home: then it is the schema that is left to be taken away.
  const gone = settings.servers.filter((name) => !installed.includes(name));
  const names = installed.length > 0 ? installed : gone;
  const here = new Set(names.map((name) => name.toLowerCase()));
  const members = ours.flatMap((one, at) => {
    const departure = departures[at] ?? null;
    return departure === null ? [] : [{ ...departure, home: one.home }];
  });
  for (const member of members) {
    const others = member.others.filter((name) => !here.has(name.toLowerCase()));
    refuseToUninstall({ ...member, others }, schema);
  }
  if (schema) await refuseSchemaInUse(ctx, installed, gone);
  if (!yes) await confirm(io, `uninstalls ${names.join(", ")} of node ${ctx.node}`, ctx.node);
  const isWholeNode = members.length > 0 && members.every(({ others }) => others.length < members.length);
  const last = members.find(({ isMaster }) => isMaster) ?? (isWholeNode ? members.at(-1) : undefined) ?? null;
  // With the whole node at its end, nothing need be moved from one to the other.
  if (isWholeNode) await stopAll(invocation, ctx, serverHomes(settings));
  for (const { server, home: where } of members.filter((one) => one !== last)) {
    if (isWholeNode) await removeWhenDown(ctx, server.name);
    else await leaveNode(invocation, ctx, where, server.name);
    say(invocation, `${server.name} has left node ${ctx.node}`);
  }
  if (schema) {
    await refuseSchemaInUse(ctx, installed, gone); // who has joined meanwhile needs it
    await takeAwaySchema(settings, { servers: names, schemaId: await idOfSchema(ctx) });
    say(invocation, schemaGone(ctx.node));
  }
  const keeps = schema ? null : settings.database.url;
  const removed = takeAwayFiles(allHomes(settings), { purge, keeps, keepsAuthority: !schema });
  return tell(invocation, names, { schema, removed, authorities: authoritiesIn(allHomes(settings)) });
};

interface Begun extends UninstallOptions {
  readonly unfinished: Unfinished;
  readonly rest: Exclude<Remains, "whole">;
}

/** By the note, without the node: it may be gone. */
async function goOn(
  invocation: Invocation,
  settings: HomeSettings,
  { unfinished, rest, yes = false, purge = false }: Begun,
): Promise<typeof EXIT.done> {
  const { home, database } = settings;
  const { servers } = unfinished;
  if (!yes) await confirm(invocation.io, `goes on uninstalling ${servers.join(", ")}`, settings.node);
  if (rest === "broken") {
    await takeAwaySchema(settings, unfinished);
    say(invocation, schemaGone(settings.node));
  }
  const isAnother = rest === "another";
  if (isAnother)
    say(invocation, `${database.url} holds another schema now, which is none of ${servers.join(", ")}: it stays`);
  const keeps = isAnother ? database.url : null;
  const removed = takeAwayFiles(allHomes(settings), { purge, keeps, keepsAuthority: false });
  forgetUninstalling(home); // where it stands beside a schema that is kept
  return tell(invocation, servers, { schema: !isAnother, removed, authorities: [] });
}

/** Also of servers that are uninstalled. What says how to go on is in the last one. */
const allHomes = ({ home, servers }: HomeSettings): readonly string[] => [
  ...servers.map((name) => join(home, name)),
  home,
];

const schemaGone = (node: string): string => `the schema of node ${node} is gone`;

interface Done {
  /** It is gone too. */
  readonly schema: boolean;
  readonly removed: readonly string[];
  /** Files of the node's authority, which stay. */
  readonly authorities: readonly string[];
}

function tell(invocation: Invocation, names: readonly string[], done: Done): typeof EXIT.done {
  if (invocation.json) printJson(invocation, { uninstalled: names, ...done });
  else {
    const lines = done.removed.map((path) => `  ${path}\n`);
    const kept = done.authorities.map(
      (path) =>
        `kept: ${path}, the authority of the node: carry ca.pem, authority*.pem and issued/ from beside it into etc/trust of a server that\n` +
        "stays, where `castellan cert` goes on with it; `castellan join` in this home uses it too\n",
    );
    invocation.io.out([`${names.join(", ")} uninstalled; removed:\n`, ...lines, ...kept].join(""));
  }
  return EXIT.done;
}

async function stopAll(invocation: Invocation, ctx: AdminContext, homes: readonly string[]): Promise<void> {
  const { code, message } = await stopServers(invocation, ctx, homes);
  if (code !== EXIT.done) throw new CastellanError("NOT_STOPPED", message);
}

/** A server that has left is uninstalled all the same. */
function goneAlready(thrown: unknown): null {
  if (thrown instanceof CastellanError && thrown.code === "UNKNOWN_SERVER") return null;
  throw thrown;
}
