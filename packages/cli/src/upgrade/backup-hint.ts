/** How a backup of a schema is made that this release cannot read yet: with the means of its own database. */

/** Lines for a person; nothing secret is in a database URL. */
export function backupHint(url: string): readonly string[] {
  if (url.startsWith("sqlite:")) {
    const file = url.slice("sqlite:".length);
    return [`sqlite3 ${file} ".backup ${file}.before-upgrade"`];
  }
  if (url.startsWith("postgres:")) return [`pg_dump --format=custom --file=before-upgrade.dump ${url}`];
  return ["a backup by the means of the database itself, by who looks after it"];
}
