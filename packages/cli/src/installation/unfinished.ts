/**
 * A note in a home whose schema is being taken away. From the moment it is written there may be no node any more to ask: whoever is cut short
 * goes on by the note.
 *
 * U1 It is written before the schema is touched, and is the last thing that is removed.
 * U2 A schema that somebody has made in the same place since is none of it: it has another id.
 */
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
const fileOf = (home: string): string => join(homePaths(home).data, "uninstalling");

export async function noteUninstalling(home: string, { servers, schemaId }: Unfinished): Promise<void> {
  makeHome(homePaths(home));
  await writeDurably(fileOf(home), `${[schemaId ?? GONE, ...servers].join("\n")}\n`);
}

/** Null: nothing was begun here. Throws NOTE_BROKEN. */
export async function unfinishedIn(home: string): Promise<Unfinished | null> {
  const file = fileOf(home);
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

/** What is in the place of a schema that was being dropped. Pure. `found`: the id of the one there, or why it cannot be told, which is thrown when it may pass. */
export function remainsOf(schemaId: string, found: string | null | Error): "nothing" | "ours" | "another" {
  if (!(found instanceof Error)) return found === schemaId ? "ours" : "another";
  if (!(found instanceof SchemaError)) throw found;
  const version = found.details["found"];
  if (version === 0) return "nothing";
  // Tables are missing and the version is there: it goes last.
  return version === undefined ? "ours" : "another";
}
