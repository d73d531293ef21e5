/** The schema and what was installed in the homes are taken away, once nothing runs by them. Cut short, it is gone on with. */
import { rmSync } from "node:fs";
import { homePaths, installedFiles } from "@castellan/daemon";
import { createSystemClock, ensureError, silentLogger, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { readParameters } from "@castellan/store";
import { dropSchema } from "@castellan/store/typeorm";
import type { Invocation } from "../invocation.ts";
import { withSchema } from "./open-schema.ts";
import { noteUninstalling, type Remains, remainsOf, type Unfinished } from "./unfinished.ts";

/** Whoever is cut short in here is begun again by the note that is in `home` from now on. */
export async function takeAwaySchema(settings: HomeSettings, note: Unfinished): Promise<void> {
  const { home, database } = settings;
  const { url, passwordFile } = database;
  await noteUninstalling(home, note);
  await dropSchema({
    url,
    ...(passwordFile !== null && { passwordFile }),
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
  });
  await noteUninstalling(home, { ...note, schemaId: null });
}

/** What is there now of the schema that the note is about. */
export async function findRest(invocation: Invocation, settings: HomeSettings, note: Unfinished): Promise<Remains> {
  const found = await withSchema(invocation, settings, "never", async ({ gateway }) => {
    return (await readParameters(gateway)).get("schema_id") ?? null;
  }).catch(ensureError);
  return remainsOf(note.schemaId, found);
}

/** Answers what was removed. `keeps`: the URL of the schema that stays. */
export function takeAwayFiles(
  homes: readonly string[],
  { purge, keeps }: { readonly purge: boolean; readonly keeps: string | null },
): readonly string[] {
  const removed = homes.flatMap((home) => (purge ? [home] : installedFiles(homePaths(home), { keeps })));
  for (const path of removed) rmSync(path, { recursive: true, force: true });
  return removed;
}
