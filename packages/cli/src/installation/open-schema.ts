/** The shared schema of a home that is being installed: opened for that, with who does it. */
import type { AdminContext } from "@castellan/admin";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { type MigrateMode, openGateway } from "@castellan/store/typeorm";
import type { Invocation } from "../invocation.ts";

/** Runs `body` with the schema open, and closes it. Throws what `openGateway` throws. */
export async function withSchema<T>(
  { io, user, command }: Pick<Invocation, "io" | "user" | "command">,
  { node, database: { url, passwordFile } }: Pick<HomeSettings, "node" | "database">,
  migrate: MigrateMode,
  body: (ctx: AdminContext) => Promise<T>,
): Promise<T> {
  const clock = createSystemClock();
  const gateway = await openGateway({
    url,
    ...(passwordFile === null ? {} : { passwordFile }),
    clock,
    rng: systemRng,
    logger: silentLogger,
    migrate,
  });
  try {
    const newId = createIdSource(clock, systemRng);
    const station = io.hostName.slice(0, 64);
    return await body({ gateway, bus: null, user, station, command, clock, newId, node });
  } finally {
    await gateway.close();
  }
}
