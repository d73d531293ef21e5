/** What there is to be upgraded: the schema as it is, the servers it names, and which of them live in this home. */
import { type BackupOnRecord, lastBackup, readMembers, type UpgradeFacts } from "@castellan/admin";
import { homePaths, pairState } from "@castellan/daemon";
import { CastellanError, createSystemClock, PROGRAM_VERSION, silentLogger, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { openGateway, surveyDatabase } from "@castellan/store/typeorm";
import { databaseOptions } from "../database-options.ts";
import { readHome, readSettings, serverHomes } from "../home.ts";
import type { Invocation } from "../invocation.ts";

export interface UpgradeScene {
  readonly facts: UpgradeFacts;
  readonly settings: HomeSettings;
  /** The last one on record; null: none is. */
  readonly backup: BackupOnRecord | null;
  /** The homes of the servers that live here, by their names. */
  readonly homes: ReadonlyMap<string, string>;
}

/** An exchange has ended its pair, and has not begun the next: it did not live to, or is about to, and then it is awaited. */
function isInterrupted(home: string): boolean {
  const { worker, watcher, exchange } = pairState(homePaths(home));
  return exchange !== "none" && worker === null && watcher === null;
}

/** `refusals`: by server, of those that this run has asked. */
export async function lookAtUpgrade(
  { io, home }: Pick<Invocation, "io" | "home">,
  refusals: ReadonlyMap<string, string>,
): Promise<UpgradeScene> {
  const { settings } = await readHome(home, io.hostName);
  const homes = new Map<string, string>();
  for (const one of serverHomes(settings)) homes.set((await readSettings(one, io.hostName)).server, one);
  const options = {
    ...databaseOptions(settings.database),
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
  };
  const { schema } = await surveyDatabase(options);
  if (schema.fit === "empty")
    throw new CastellanError("NODE_MISSING", "there is no schema yet, and nothing to upgrade");
  if (schema.fit === "too-new")
    return { settings, homes, backup: null, facts: { program: PROGRAM_VERSION, schema, servers: [] } };
  const gateway = await openGateway({ ...options, migrate: "asItIs", evenIfMoved: schema.fit === "older" });
  try {
    const members = await readMembers(gateway, schema.fit !== "older");
    const servers = members.map((member) => {
      const here = homes.get(member.name);
      return {
        ...member,
        isHere: here !== undefined,
        isInterrupted: here !== undefined && isInterrupted(here),
        refusal: refusals.get(member.name) ?? null,
      };
    });
    const backup = await lastBackup(gateway, schema.found, options.clock.now());
    return { settings, homes, backup, facts: { program: PROGRAM_VERSION, schema, servers } };
  } finally {
    await gateway.close();
  }
}
