/** Which files are error files, by their names. */

/** Relative to the home directory, in the syntax of fast-glob. */
export const DEFAULT_PATTERNS: readonly string[] = ["logs/sw_error*", "logs/sw_warn*"];

/** `sw_error20120701.log`, `sw_error.1`, `sw_warn.log.2.gz`, `sw_error-20120701`, `sw_error.old`: put away, not new. */
const ARCHIVED =
  /^sw_(?:error|warn)(?:\.log)?(?:\d{8}|[._-]\d+|\.(?:old|bak|orig|save)|~)(?:\.log)?(?:\.(?:gz|xz|bz2|zst))?$/;

/** An archived file is followed if it was known before it was renamed, and never raised anew. */
export const isArchivedName = (name: string): boolean => ARCHIVED.test(name);

export function kindOfName(name: string): "error-file" | "warn-file" {
  return name.startsWith("sw_warn") ? "warn-file" : "error-file";
}

/** Characters that mean something to the pattern language. */
const SPECIAL = /[*?[\]{}()!+@\\]/;

/** Directories in which a change may concern the patterns, each with the beginnings of the names that count there. */
export function watchedDirectories(patterns: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const directories = new Map<string, string[]>();
  for (const pattern of patterns) {
    const parts = pattern.split("/");
    const name = parts.pop() ?? "";
    // A pattern in the directory's own path is left to the periodic scan.
    if (parts.some((part) => SPECIAL.test(part)) || parts.includes("..")) continue;
    const directory = parts.join("/") || ".";
    const prefixes = directories.get(directory) ?? [];
    prefixes.push(name.split(SPECIAL, 1)[0] ?? "");
    directories.set(directory, prefixes);
  }
  return directories;
}
