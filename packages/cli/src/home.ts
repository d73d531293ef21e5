/** Finds the node that lives in a home directory: its settings, and where its running server can be reached. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CastellanError, loadConfigFile, parseConfig } from "@castellan/kernel";
import { Endpoints, HomeConfig, type HomeSettings, type NatsSettings, resolveHomeConfig } from "@castellan/protocol";

export interface Home {
  readonly settings: HomeSettings;
  /** Null when no server has run here yet. */
  readonly endpoints: Endpoints | null;
  /** How to reach the bus: as configured, else the embedded server; null when that has not run yet. */
  readonly nats: NatsSettings | null;
}

/** Any of these shows that a node lives in a directory. */
const TRACES = ["castellan.yaml", "data/castellan.db", "run/endpoints.json"];

/** Throws NO_HOME or CONFIG_INVALID. `dir` is absolute. */
export function readHome(dir: string, hostName: string): Home {
  if (!TRACES.some((name) => existsSync(join(dir, name)))) throw noHome(dir);
  const settings = readSettings(dir, hostName);
  const database = settings.database.url;
  if (database.startsWith("sqlite:") && !existsSync(database.slice("sqlite:".length))) throw noHome(dir);
  const endpoints = readEndpoints(dir);
  const embedded = endpoints && { url: endpoints.natsUrl, credentials: null, tls: null };
  return { settings, endpoints, nats: settings.nats ?? embedded };
}

/** The settings alone; without a `castellan.yaml` the defaults. Throws CONFIG_INVALID. */
export function readSettings(dir: string, hostName: string): HomeSettings {
  const file = join(dir, "castellan.yaml");
  const config = existsSync(file) ? loadConfigFile(file, HomeConfig) : parseConfig("", file, HomeConfig);
  return resolveHomeConfig(config, { home: dir, hostName });
}

/** Written by a running server. One that cannot be read (half a file after a crash) counts as none. */
function readEndpoints(dir: string): Endpoints | null {
  try {
    const checked = Endpoints.safeParse(JSON.parse(readFileSync(join(dir, "run/endpoints.json"), "utf8")));
    return checked.success ? checked.data : null;
  } catch {
    return null;
  }
}

function noHome(dir: string): CastellanError {
  const message = `no node lives in ${dir}: start one with \`castellan up --home ${dir}\``;
  return new CastellanError("NO_HOME", message, { details: { home: dir } });
}
