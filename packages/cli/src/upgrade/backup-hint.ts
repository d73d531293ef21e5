/** Which backup there is before an upgrade, and how one is made of a schema that this release cannot read yet. */
import type { BackupOnRecord } from "@castellan/admin";
import { oneLine } from "../format/table.ts";

/** The schema of 0.1.0, which has no `castellan backup`. */
const WITHOUT_BACKUP = 1;

/** Lines for a person; nothing secret is in a database URL. `schema`: its version. */
export function backupHint(url: string, schema: number): readonly string[] {
  if (schema > WITHOUT_BACKUP) return ["castellan backup FILE, with the release that runs"];
  if (url.startsWith("sqlite:")) {
    const file = url.slice("sqlite:".length);
    return [`sqlite3 ${file} ".backup ${file}.before-upgrade"`];
  }
  if (url.startsWith("postgres:")) return [`pg_dump --format=custom --file=before-upgrade.dump ${url}`];
  return ["a backup by the means of the database itself, by who looks after it"];
}

export function wordsOfBackup(backup: BackupOnRecord | null): string {
  if (backup === null) return "none is on record";
  const { at, station, file, problem } = backup;
  const why = problem === null ? "" : `, which is ${problem}`;
  return `the last one on record is of ${at.toISOString()} (${oneLine(`${station}:${file}`)})${why}`;
}
