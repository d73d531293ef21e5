/**
 * A pair that may not run ends, and says why where people look: in logs/sw_error, in the log of the operating system, on
 * standard error, and in `run/refused`, from where `castellan up` and `castellan doctor` tell it.
 */
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { CastellanError, ensureError, type Logger, readSmallFileSync } from "@castellan/kernel";
import type { MessageLog } from "@castellan/sentinel";
import type { HomePaths } from "../home-paths.ts";

/** Message number: the sentinel of this server does not run. */
const MAY_NOT_RUN = 1885;
const MAX_BYTES = 4096;

const REFUSALS: ReadonlySet<string> = new Set(["NOT_A_MEMBER", "PARAMETERS_DIFFER", "SCHEMA_MOVED"]);

/**
 * Whether a sentinel stays wrong until somebody has mended something: to start it over and over would help nobody. A schema of another
 * version stays that until an upgrade; one that is not there at all may just be coming back. Pure.
 */
export function mayNotRun(error: Error): boolean {
  if (!(error instanceof CastellanError)) return false;
  const { code, details } = error;
  return REFUSALS.has(code) || (code === "SCHEMA" && typeof details["found"] === "number" && details["found"] > 0);
}

export function sayRefusal(paths: HomePaths, messages: MessageLog, why: string, log: Logger): void {
  messages.error(MAY_NOT_RUN, why);
  process.stderr.write(`castellan: ${why}\n`);
  toSystemLog(why, log);
  try {
    writeFileSync(paths.refused, `${why}\n`);
  } catch (thrown) {
    log.warn("why this pair may not run cannot be left in run/", { error: ensureError(thrown) });
  }
}

export function forgetRefusal(paths: HomePaths): void {
  rmSync(paths.refused, { force: true });
}

/** Why the pair of this home has refused to run; null = it has not. */
export function readRefusal(paths: HomePaths): string | null {
  try {
    return readSmallFileSync(paths.refused, MAX_BYTES).toString("utf8").trim() || null;
  } catch {
    return null; // it is not there: nothing was refused
  }
}

/** Through `logger`, where there is one: a host without a system log has none to write to. */
function toSystemLog(text: string, log: Logger): void {
  const child = spawn("logger", ["-t", "castellan", "-p", "daemon.err", "--", text], {
    stdio: "ignore",
    detached: true,
  });
  child.once("error", (error) => log.debug("there is no system log", { error }));
  child.unref();
}
