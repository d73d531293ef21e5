/** Finds the node that lives in a home directory: its settings, and where its running server can be reached. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CastellanError } from "@castellan/kernel";
import type { HomeConfig, HomeSettings, NatsSettings } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";

export interface Home {
  readonly settings: HomeSettings;
  /** How to reach the bus: as configured, else the embedded server; null when that has not run yet. */
  readonly nats: NatsSettings | null;
}

/** Any of these shows that a node lives in a directory. */
const TRACES = ["castellan.yaml", "data/castellan.db", "run/endpoints.json"];

/** Rejects with NO_HOME or CONFIG_INVALID. `dir` is absolute. */
export async function readHome(dir: string, hostName: string): Promise<Home> {
  if (!TRACES.some((name) => existsSync(join(dir, name)))) throw noHome(dir);
  const settings = await readSettings(dir, hostName);
  const database = settings.database.url;
  if (database.startsWith("sqlite:") && !existsSync(database.slice("sqlite:".length))) throw noHome(dir);
  return { settings, nats: settings.nats ?? readEmbeddedNats(dir) };
}

/** The settings alone; without a `castellan.yaml` the defaults. Rejects with CONFIG_INVALID. */
export async function readSettings(dir: string, hostName: string): Promise<HomeSettings> {
  return resolveHomeConfig(await readConfig(join(dir, "castellan.yaml")), { home: dir, hostName });
}

/** The parser and the schemas are loaded for a file that says something: most say nothing, and commands should be quick. */
async function readConfig(file: string): Promise<HomeConfig> {
  if (!existsSync(file) || holdsOnlyComments(file)) return {};
  const [{ loadConfigFile }, { HomeConfig }] = await Promise.all([
    import("@castellan/kernel/config"),
    import("@castellan/protocol"),
  ]);
  return loadConfigFile(file, HomeConfig);
}

/** False for a file that cannot be read: whoever loads it says why. */
function holdsOnlyComments(file: string): boolean {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .every((line) => /^[ \t]*(?:#|\r?$)/.test(line));
  } catch {
    return false;
  }
}

/** Where a running server said that its embedded bus is; null when none has run, or half a file is left after a crash. */
function readEmbeddedNats(dir: string): NatsSettings | null {
  try {
    const endpoints: unknown = JSON.parse(readFileSync(join(dir, "run/endpoints.json"), "utf8"));
    if (typeof endpoints !== "object" || endpoints === null || !("natsUrl" in endpoints)) return null;
    const { natsUrl } = endpoints;
    return typeof natsUrl === "string" ? { url: natsUrl, credentials: null, tls: null } : null;
  } catch {
    return null;
  }
}

function noHome(dir: string): CastellanError {
  const message = `no node lives in ${dir}: start one with \`castellan up --home ${dir}\``;
  return new CastellanError("NO_HOME", message, { details: { home: dir } });
}
