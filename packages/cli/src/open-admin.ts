/** Composes what an administrator's functions need, from a home directory. */
import type { AdminContext } from "@castellan/admin";
import { createIdSource, createSystemClock, type Disposer, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { createNatsBus } from "./bus/nats-bus.ts";
import { oneLine } from "./format/table.ts";
import { readHome } from "./home.ts";
import type { Io } from "./io.ts";

export interface OpenAdminOptions {
  readonly io: Pick<Io, "hostName" | "err">;
  readonly home: string;
  readonly user: string;
  readonly command: string;
  readonly closing: Disposer;
}

/** Never changes the schema: that is for the programs that run a server. */
export async function openAdmin({ io, home, user, command, closing }: OpenAdminOptions): Promise<AdminContext> {
  const { settings, nats } = await readHome(home, io.hostName);
  const clock = createSystemClock();
  const gateway = await openGateway({
    url: settings.database.url,
    ...(settings.database.passwordFile === null ? {} : { passwordFile: settings.database.passwordFile }),
    clock,
    rng: systemRng,
    logger: silentLogger,
    migrate: "never",
    onBrokenValue: ({ table, row, column, problem }) =>
      io.err(`castellan: table ${table}, row ${oneLine(row)}, column ${column}: ${oneLine(problem)}\n`),
  });
  closing.add("database", () => gateway.close());
  const bus = nats && createNatsBus(nats, clock);
  if (bus) closing.add("bus", () => bus.close());
  return {
    gateway,
    bus,
    user,
    station: io.hostName.slice(0, 64),
    command,
    clock,
    newId: createIdSource(clock, systemRng),
    node: settings.node,
  };
}
