/** A new home: its directories, settings that explain themselves, and the files of an example. Nothing is overwritten. */
import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HomePaths, makeHome } from "../home-paths.ts";

const SETTINGS = `# Settings this server needs before it can read the rest from the shared schema. Everything is optional.
# node: castellan          # 1-24 letters, digits, underscores; the same on every server of the node
# server: hades            # default: the host's name
# nats: { url: "nats://127.0.0.1:4222" }                       # absent: an embedded server on loopback
# database: { url: "postgres://castellan@db:5432/ips1", passwordFile: etc/db.password }   # absent: SQLite in data/
`;

const FSPART = `# File systems to watch: PATH [MINIMUM [WARNING]], for example
#   /var/lib/app  2G  5G
#   /             5%
# Without a minimum, MINFREEKB (10000 KB) must be free. Changes are seen within seconds.
.
`;

/** Not part of what an example gives a home. */
const LEFT_OUT = new Set(["castellan-home", "README.md", "node_modules"]);

/** True when there has been no node in this home yet. */
export function isNewHome(paths: HomePaths): boolean {
  return !existsSync(paths.database) && !existsSync(paths.config) && !existsSync(paths.endpoints);
}

/** `example`: a directory whose files become those of the home. */
export function initialiseHome(paths: HomePaths, example: string | null): void {
  makeHome(paths);
  if (example !== null) {
    // One by one: the home may lie inside the example.
    for (const name of readdirSync(example)) {
      if (!LEFT_OUT.has(name)) cpSync(join(example, name), join(paths.home, name), { recursive: true, force: false });
    }
  }
  writeNew(paths.config, SETTINGS);
  writeNew(join(paths.home, "fspart"), FSPART);
}

function writeNew(path: string, text: string): void {
  if (!existsSync(path)) writeFileSync(path, text);
}
