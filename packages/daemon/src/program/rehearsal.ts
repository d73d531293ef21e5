/** What a worker does on its way up, as far as that goes beside another: reads only, takes no lock and no incarnation. */
import { hostname } from "node:os";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { homePaths } from "../home-paths.ts";
import { REHEARSED } from "../pair/rehearsal.ts";
import { findServer } from "../schema/join-schema.ts";
import { readSettings } from "../settings.ts";

/** Answers its last words. Rejects with what would keep a worker from its work. */
export async function rehearseWorker(home: string): Promise<string> {
  const settings = readSettings(homePaths(home), hostname());
  const { url, passwordFile } = settings.database;
  const gateway = await openGateway({
    url,
    ...(passwordFile === null ? {} : { passwordFile }),
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
    migrate: "never",
    apart: true,
  });
  try {
    await findServer(gateway, settings);
  } finally {
    await gateway.close();
  }
  return REHEARSED;
}
