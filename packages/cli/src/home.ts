/** Finds the node that lives in a home directory: its settings, and where its running server can be reached. */
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { CastellanError, readSmallFileSync, systemCode } from "@castellan/kernel";
import type { HomeConfig, HomeSettings, NatsSettings } from "@castellan/protocol";
import { keptBus, resolveHomeConfig } from "@castellan/protocol/home";

export interface Home {
  readonly settings: HomeSettings;
  /** How to reach the bus: as configured, else the embedded server; null when that has not run yet. */
  readonly nats: NatsSettings | null;
}

/** Any of these shows that a node lives in a directory. */
const TRACES = ["castellan.yaml", "data/castellan.db", "run/endpoints.json"];

/** Rejects with NO_HOME, CONFIG_INVALID, or the system's error: EACCES in a home that belongs to somebody else. */
export async function readHome(dir: string, hostName: string): Promise<Home> {
  if (!TRACES.some((name) => isThere(join(dir, name)))) throw noHome(dir);
  const settings = await readSettings(dir, hostName);
  const database = settings.database.url;
  if (database.startsWith("sqlite:") && !isThere(database.slice("sqlite:".length), READ_WRITE)) throw noHome(dir);
  return { settings, nats: settings.nats ?? readEmbeddedNats(dir, settings) };
}

const READ_WRITE = constants.R_OK | constants.W_OK; // readers of SQLite write too: to its shared memory

/** What is hidden from this user is not taken for missing: that throws. */
function isThere(path: string, mode: number = constants.F_OK): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (thrown) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(thrown) ?? "")) return false;
    throw thrown;
  }
}

/** The homes of the servers that live in a home: itself, or those below it that have not been uninstalled. */
export function serverHomes(settings: Pick<HomeSettings, "home" | "servers">): readonly string[] {
  const { home, servers } = settings;
  return servers.length === 0 ? [home] : serversBelow(settings).map((name) => join(home, name));
}

/** Of several servers in a home those that are installed; none where one lives. */
export function serversBelow({ home, servers }: Pick<HomeSettings, "home" | "servers">): readonly string[] {
  return servers.filter((name) => isThere(join(home, name, "castellan.yaml")));
}

/** Null: it lives elsewhere. */
export function homeOfServer({ home, server, servers }: HomeSettings, name: string): string | null {
  if (servers.length === 0) return name === server ? home : null;
  return servers.includes(name) ? join(home, name) : null;
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
    return readSmallFileSync(file, MAX_FILE_BYTES)
      .toString("utf8")
      .split("\n")
      .every((line) => /^[ \t]*(?:#|\r?$)/.test(line));
  } catch {
    return false;
  }
}

/** Where a running server said that its embedded bus is; null when none has run, or its word cannot be read. */
function readEmbeddedNats(dir: string, settings: HomeSettings): NatsSettings | null {
  const natsUrl = readEndpoints(dir)?.natsUrl ?? null;
  return natsUrl === null ? null : keptBus(settings, natsUrl);
}

/** What this program takes from `run/endpoints.json`. */
export interface SeenEndpoints {
  readonly server: string | null;
  readonly natsUrl: string | null;
}

/** Null when there is no such file, half of one, or something else: the worker writes it anew when it is up. */
export function readEndpoints(dir: string): SeenEndpoints | null {
  try {
    const text = readSmallFileSync(join(dir, "run/endpoints.json"), MAX_FILE_BYTES).toString("utf8");
    const endpoints: unknown = JSON.parse(text);
    if (typeof endpoints !== "object" || endpoints === null) return null;
    const wordAt = (key: string): string | null => {
      const word: unknown = Reflect.get(endpoints, key);
      return typeof word === "string" ? word : null;
    };
    return { server: wordAt("server"), natsUrl: wordAt("natsUrl") };
  } catch {
    return null;
  }
}

/** Larger files in a home are none of ours. */
const MAX_FILE_BYTES = 1024 * 1024;

function noHome(dir: string): CastellanError {
  const message = `no node lives in ${dir}: start one with \`castellan up --home ${dir}\``;
  return new CastellanError("NO_HOME", message, { details: { home: dir } });
}
