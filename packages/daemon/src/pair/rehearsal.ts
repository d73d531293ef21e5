/**
 * Before a pair is ended for another program, that program shows that it can work here: it starts as a worker, reads the settings, opens
 * the schema, finds its server, and ends. Where it cannot, the pair is not touched and goes on.
 */
import { execFile } from "node:child_process";
import { CastellanError } from "@castellan/kernel";
import type { HomePaths } from "../home-paths.ts";
import type { ProgramEntry } from "./part.ts";

export interface RehearsalDeps {
  readonly paths: HomePaths;
  readonly program: ProgramEntry;
  readonly environment: NodeJS.ProcessEnv;
}

/** One that has not come so far by then would not come up in time, milliseconds. */
const REHEARSE_MS = 30_000;
const MAX_SAID = 64 * 1024;
const MAX_REASON = 300;
/** What its last words are, so that one is not taken at its exit code alone. */
export const REHEARSED = "can work";

/** Rejects with PROGRAM_FAILED. */
export function rehearse({ paths, program, environment }: RehearsalDeps): Promise<void> {
  const argv = [...program.execArgv, program.entry, "worker", "--home", paths.home, "--rehearse"];
  const options = {
    cwd: paths.home,
    env: environment,
    timeout: REHEARSE_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_SAID,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(program.execPath, argv, options, (error, stdout, stderr) => {
      if (error === null && stdout.trim() === REHEARSED) resolve();
      else reject(cannotWork(program.entry, reasonOf(stderr, error), error));
    });
  });
}

function cannotWork(entry: string, reason: string, cause: Error | null): CastellanError {
  return new CastellanError(
    "PROGRAM_FAILED",
    `the program at ${entry} cannot work here: ${reason}\nthe sentinel that runs goes on as it is: mend that, then run \`castellan upgrade\` again`,
    { cause: cause ?? undefined, details: { entry, reason } },
  );
}

/** The first line it complained in, or how it ended. Pure. */
export function reasonOf(
  stderr: string,
  error: { readonly code?: unknown; readonly signal?: unknown; readonly killed?: boolean } | null,
): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const said = lines.find((line) => /^castellan:|Error:/.test(line)) ?? lines.find((line) => line !== "");
  if (said !== undefined) return said.replace(/^castellan: /, "").slice(0, MAX_REASON);
  if (error?.killed === true) return `it did not come up within ${REHEARSE_MS / 1000} s`;
  if (typeof error?.signal === "string") return `it was ended by ${error.signal}`;
  return error === null ? "it did not say that it can" : `it ended at once (${String(error.code)})`;
}
