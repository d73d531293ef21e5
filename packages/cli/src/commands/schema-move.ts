/**
 * `castellan schema move URL`: the schema of this home's node goes to another database, and the home with it. Processes run on; the
 * sentinels of this home are ended for as long as it takes, and brought back on the new one.
 */
import { isAbsolute, resolve } from "node:path";
import { cancelMove, type MovedPlace, moveSchema, type SchemaMoved } from "@castellan/admin/schema";
import {
  CastellanError,
  type Clock,
  createIdSource,
  createSystemClock,
  ensureError,
  silentLogger,
  systemRng,
} from "@castellan/kernel";
import { readMark } from "@castellan/store/copy";
import { openGateway } from "@castellan/store/typeorm";
import { bringUpSentinels } from "../bring-up.ts";
import { databaseOptions } from "../database-options.ts";
import { endedSentinels, endSentinels } from "../ended-sentinels.ts";
import { EXIT } from "../exit-code.ts";
import { readHome, readSettings, serverHomes } from "../home.ts";
import { homeOption } from "../home-option.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { progressLine } from "../progress.ts";
import { say } from "../start-node.ts";
import { planSwitch } from "../switch-database.ts";

export interface MoveOptions {
  readonly passwordFile?: string;
  readonly cancel?: boolean;
}

export const run: Run<[string | undefined, MoveOptions]> = async (
  invocation,
  url,
  { passwordFile, cancel = false },
) => {
  if (cancel !== (url === undefined)) {
    throw new CastellanError(
      "USAGE",
      cancel ? "--cancel takes no URL" : "write the URL of the new database, or --cancel",
    );
  }
  const place = await openPlace(invocation);
  try {
    if (url === undefined) return await cancelled(invocation, place);
    return await moved(invocation, place, addressOf(invocation.io.cwd, url, passwordFile));
  } finally {
    await place.gateway.close();
  }
};

interface Address {
  readonly url: string;
  readonly passwordFile: string | null;
}

/** As a shell means it: files are named from the working directory. */
function addressOf(cwd: string, url: string, passwordFile: string | undefined): Address {
  const path = url.startsWith("sqlite:") ? url.slice("sqlite:".length) : null;
  return {
    url: path === null || path === "" || isAbsolute(path) ? url : `sqlite:${resolve(cwd, path)}`,
    passwordFile: passwordFile === undefined ? null : resolve(cwd, passwordFile),
  };
}

interface OldPlace extends MovedPlace {
  readonly home: string;
  /** Of the servers that live here. */
  readonly homes: readonly { readonly home: string; readonly server: string }[];
  readonly broken: string[];
  readonly clock: Clock;
}

async function openPlace({ home, io }: Invocation): Promise<OldPlace> {
  const clock = createSystemClock();
  const { settings } = await readHome(home, io.hostName);
  const homes = [];
  for (const one of serverHomes(settings))
    homes.push({ home: one, server: (await readSettings(one, io.hostName)).server });
  const broken: string[] = [];
  const gateway = await openGateway({
    ...databaseOptions(settings.database),
    clock,
    rng: systemRng,
    logger: silentLogger,
    migrate: "whole",
    evenIfMoved: true,
    onBrokenValue: ({ table, row, column, problem }) =>
      broken.push(`${table}, row ${row}, column ${column}: ${problem}`),
  });
  return { url: settings.database.url, gateway, home, homes, broken, clock };
}

async function moved(invocation: Invocation, from: OldPlace, to: Address): Promise<number> {
  const { io } = invocation;
  const { clock, homes } = from;
  const line = progressLine(invocation, clock);
  const local = homes.map(({ home }) => home);
  const settle = planSwitch([...local, from.home], to);
  const gateway = await openGateway({
    ...databaseOptions(to),
    clock,
    rng: systemRng,
    logger: silentLogger,
    migrate: "toFill",
    evenIfMoved: true,
  });
  let result: SchemaMoved;
  try {
    await requireReach(from, to);
    result = await moveSchema({
      from,
      to: { url: to.url, gateway },
      own: {
        servers: homes.map(({ server }) => server),
        end: () => endSentinels(local, clock),
      },
      broken: () => from.broken,
      onProgress: (progress) => line.show(progress),
      ...recorder(invocation, clock),
    });
  } catch (thrown) {
    line.end();
    await bringBack(invocation, from);
    throw thrown;
  } finally {
    line.end();
    await gateway.close();
  }
  await settle();
  const back = endedSentinels(local);
  await bringUpSentinels(io, back);
  report(invocation, result, back, homes);
  return EXIT.done;
}

const recorder = ({ io, user, command }: Invocation, clock: Clock) => ({
  clock,
  newId: createIdSource(clock, systemRng),
  who: { user, station: io.hostName.slice(0, 64), command },
});

/** Other hosts cannot reach a file of this one. */
async function requireReach({ gateway, homes }: OldPlace, to: Address): Promise<void> {
  if (!to.url.startsWith("sqlite:")) return;
  const servers = (await gateway.find("node_cluster")).map(({ physical_machine_name }) => physical_machine_name);
  const others = servers.filter((name) => !homes.some(({ server }) => server === name));
  if (others.length === 0) return;
  throw new CastellanError(
    "SQLITE_IS_LOCAL",
    `${others.join(", ")} cannot reach ${to.url}: a node of several hosts needs a database server`,
  );
}

/** The move did not come about: the node goes on as it was, unless the schema is still closed. What went wrong with that is told first. */
async function bringBack({ io }: Invocation, { gateway, homes }: OldPlace): Promise<void> {
  try {
    if ((await readMark(gateway)) !== null) return;
    await bringUpSentinels(io, endedSentinels(homes.map(({ home }) => home)));
  } catch (thrown) {
    io.err(`castellan: its sentinel did not come back: ${ensureError(thrown).message}; say \`castellan up\`\n`);
  }
}

async function cancelled(invocation: Invocation, place: OldPlace): Promise<number> {
  const was = await cancelMove(place, recorder(invocation, place.clock));
  // A move that was killed before it had closed the schema has ended sentinels all the same.
  const back = endedSentinels(place.homes.map(({ home }) => home));
  await bringUpSentinels(invocation.io, back);
  const cancelled = was || back.length > 0;
  if (invocation.json) printJson(invocation, { cancelled, url: place.url, up: back.length });
  else invocation.io.out(cancelled ? `the schema stays at ${place.url}\n` : "no move is under way\n");
  return EXIT.done;
}

function report(
  invocation: Invocation,
  { from, to, rows, tables }: SchemaMoved,
  up: readonly string[],
  homes: OldPlace["homes"],
): void {
  if (invocation.json) {
    printJson(invocation, { from, to, rows, tables, up: up.length });
    return;
  }
  say(
    invocation,
    rows === 0 ? `the schema is at ${to}` : `the schema is at ${to}: ${rows} rows of ${tables} tables, each compared`,
  );
  say(invocation, `${from} is left as it was, and is not used any more`);
  if (up.length < homes.length)
    say(invocation, `bring the node up with \`castellan up${homeOption(invocation.io, invocation.home)}\``);
}
