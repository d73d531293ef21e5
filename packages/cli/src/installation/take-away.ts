/** The schema and what was installed in the homes are taken away, once nothing runs by them. Cut short, it is gone on with. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, sep } from "node:path";
import type { AdminContext } from "@castellan/admin";
import { homePaths, installedFiles, type Staying } from "@castellan/daemon";
import { createSystemClock, ensureError, silentLogger, systemRng } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import { insertIfAbsent, readParameters } from "@castellan/store";
import { dropSchema } from "@castellan/store/typeorm";
import { trustPaths } from "@castellan/trust";
import type { Invocation } from "../invocation.ts";
import { withSchema } from "./open-schema.ts";
import { noteOf, noteUninstalling, type Remains, remainsOf, type Unfinished } from "./unfinished.ts";

/** By what a schema is told from another in its place; one that an older program made is given it now. */
export async function idOfSchema({ gateway, newId }: Pick<AdminContext, "gateway" | "newId">): Promise<string> {
  const known = (await readParameters(gateway)).get("schema_id");
  if (known !== undefined) return known;
  const value = newId();
  await gateway.commit([insertIfAbsent("node_parameter", { name: "schema_id", value })]);
  return (await readParameters(gateway)).get("schema_id") ?? value;
}

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

/** Answers what was removed. */
export function takeAwayFiles(
  homes: readonly string[],
  { purge, ...staying }: Staying & { readonly purge: boolean },
): readonly string[] {
  return homes.flatMap((home) => {
    const removed = purge ? [home].filter((path) => existsSync(path)) : installedFiles(homePaths(home), staying);
    for (const path of orderOfRemoval(home, removed)) rmSync(path, { recursive: true, force: true });
    return removed;
  });
}

/** The files of the node's authority in these homes: what `castellan cert` issues and renews from. */
export const authoritiesIn = (homes: readonly string[]): readonly string[] =>
  homes.map((home) => trustPaths(home).authority).filter((path) => existsSync(path));

/**
 * Of what is removed in a home all that it may be cut short in, before what says how to go on: castellan.yaml, then the note (U1), then
 * the directories that these are in. Reads directories.
 */
export function orderOfRemoval(home: string, removed: readonly string[]): readonly string[] {
  const last = [homePaths(home).config, noteOf(home)];
  const holds = (path: string): boolean => last.some((one) => one.startsWith(`${path}${sep}`));
  const opened = (path: string): readonly string[] =>
    holds(path) && existsSync(path) ? [...readdirSync(path).flatMap((name) => opened(join(path, name))), path] : [path];
  const rank = (path: string): number => (holds(path) ? last.length + 1 : last.indexOf(path) + 1);
  return removed.flatMap(opened).toSorted((a, b) => rank(a) - rank(b));
}
