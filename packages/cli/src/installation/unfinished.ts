/**
 * A note in a home whose schema is being taken away. From the moment it is written there may be no node any more to ask: whoever is cut short
 * goes on by the note.
 *
 * U1 It is written before the schema is touched, and is the last thing that is removed; castellan.yaml goes just before it.
 * U2 A schema that somebody has made in the same place since is none of it: it has another id.
 * U3 One that is whole was not touched: whoever uninstalls begins anew, with every question that is asked then.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { homePaths, makeHome, writeDurably } from "@castellan/daemon";
import { CastellanError, readSmallFile, systemCode } from "@castellan/kernel";
import { SchemaError } from "@castellan/store";

export interface Unfinished {
  readonly servers: readonly string[];
  /** Null: it is gone. */
  readonly schemaId: string | null;
}

const MAX_BYTES = 64 * 1024;
const GONE = "-";
export const noteOf = (home: string): string => join(homePaths(home).data, "uninstalling");

export async function noteUninstalling(home: string, { servers, schemaId }: Unfinished): Promise<void> {
  makeHome(homePaths(home));
  await writeDurably(noteOf(home), `${[schemaId ?? GONE, ...servers].join("\n")}\n`);
}

/** What was begun is not gone on with. */
export const forgetUninstalling = (home: string): void => rmSync(noteOf(home), { force: true });

/** Null: nothing was begun here. Throws NOTE_BROKEN. */
export async function unfinishedIn(home: string): Promise<Unfinished | null> {
  const file = noteOf(home);
  let text: string;
  try {
    text = (await readSmallFile(file, MAX_BYTES)).toString("utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
  return readNote(text, file);
}

function readNote(text: string, file: string): Unfinished {
  const [id, ...servers] = text.split("\n").filter((line) => line !== "");
  if (id !== undefined && servers.length > 0) return { servers, schemaId: id === GONE ? null : id };
  throw new CastellanError("NOTE_BROKEN", `${file} cannot be read: remove it, then castellan uninstall again`, {
    details: { file },
  });
}

/** The schema that was being dropped as it was, or what is left of it; or one that somebody has made there since. */
export type Remains = "nothing" | "whole" | "broken" | "another";

/**
 * What is in the place of a schema that was being dropped. Pure. `schemaId`: null when it is gone. `found`: the id of the one
 * there, or why it cannot be told, which is thrown when it may pass.
 */
export function remainsOf(schemaId: string | null, found: string | null | Error): Remains {
  if (!(found instanceof Error)) return schemaId !== null && found === schemaId ? "whole" : "another";
  if (!(found instanceof SchemaError)) throw found;
  const version = found.details["found"];
  if (version === 0) return "nothing";
  // Tables are missing and the version is there: it goes last.
  return version === undefined && schemaId !== null ? "broken" : "another";
}
