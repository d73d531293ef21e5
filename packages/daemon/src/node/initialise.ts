/** A new home: its directories, files that explain themselves, and the files of an example. Nothing is overwritten. */
import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HomePaths, makeHome } from "../home-paths.ts";
import { FSPART_FILE, type HomeFile, SETTINGS_FILE, TYPES_FILE } from "./new-home-files.ts";

/** Not part of what an example gives a home. */
const LEFT_OUT = new Set(["castellan-home", "README.md", "node_modules"]);

/** True when there has been no node in this home yet. */
export function isNewHome(paths: HomePaths): boolean {
  return !existsSync(paths.database) && !existsSync(paths.config) && !existsSync(paths.endpoints);
}

/**
 * `example`: a directory whose files become those of the home, but for what is `without`; null: a file to write process types
 * into. Answers what it wrote besides the example.
 */
export function initialiseHome(
  paths: HomePaths,
  example: string | null,
  { without = [] }: { readonly without?: readonly string[] } = {},
): readonly HomeFile[] {
  makeHome(paths);
  if (example !== null) {
    // One by one: the home may lie inside the example.
    for (const name of readdirSync(example)) {
      if (!LEFT_OUT.has(name) && !without.includes(name))
        cpSync(join(example, name), join(paths.home, name), { recursive: true, force: false });
    }
  }
  const files = [SETTINGS_FILE, FSPART_FILE, ...(example === null ? [TYPES_FILE] : [])];
  const wanted = files.filter(({ name }) => !without.includes(name.split("/")[0] ?? ""));
  return wanted.filter((file) => writeNew(join(paths.home, file.name), file.text));
}

function writeNew(path: string, text: string): boolean {
  if (existsSync(path)) return false;
  writeFileSync(path, text);
  return true;
}

/** Which of a new home's files are there already. */
export function homeFilesIn(paths: HomePaths): readonly string[] {
  return [SETTINGS_FILE, FSPART_FILE, TYPES_FILE]
    .map(({ name }) => name)
    .filter((name) => existsSync(join(paths.home, name)));
}
