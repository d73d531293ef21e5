/**
 * The bootstrap settings of a home. A worker that is started again over a `castellan.yaml` that somebody has broken goes on
 * with the settings of its last good start, and says so: processes must not suffer for a typing mistake.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CastellanError } from "@castellan/kernel";
import { ConfigError, loadConfigFile, parseConfig, readConfigText } from "@castellan/kernel/config";
import { HomeConfig, type HomeSettings } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { writeDurably } from "@castellan/sentinel/pair";
import type { HomePaths } from "./home-paths.ts";

/** Reads `castellan.yaml`; an absent file means all defaults. Throws `ConfigError` with every problem. */
export function readSettings(paths: HomePaths, hostName: string): HomeSettings {
  const config = existsSync(paths.config)
    ? loadConfigFile(paths.config, HomeConfig)
    : parseConfig("", paths.config, HomeConfig);
  return resolveHomeConfig(config, { home: paths.home, hostName });
}

export interface WorkerSettings {
  readonly settings: HomeSettings;
  /** What is wrong with the file while older settings are used; null = nothing. */
  readonly problem: string | null;
  /** The file was wrong at the last start and is right now. */
  readonly mended: boolean;
}

/** The same for a worker: falls back on the last good text. */
export async function readWorkerSettings(paths: HomePaths, hostName: string): Promise<WorkerSettings> {
  const lastGood = join(paths.run, "castellan.last-good.yaml");
  const marker = join(paths.run, "castellan.yaml.problem");
  try {
    const settings = readSettings(paths, hostName);
    await writeDurably(lastGood, existsSync(paths.config) ? readConfigText(paths.config) : "");
    const mended = existsSync(marker);
    rmSync(marker, { force: true });
    return { settings, problem: null, mended };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    if (!existsSync(lastGood)) {
      throw new CastellanError("CONFIG_INVALID", thrown.message, { details: thrown.details, cause: thrown });
    }
    const config = loadConfigFile(lastGood, HomeConfig);
    writeFileSync(marker, `${thrown.message}\n`);
    return {
      settings: resolveHomeConfig(config, { home: paths.home, hostName }),
      problem: thrown.message,
      mended: false,
    };
  }
}
