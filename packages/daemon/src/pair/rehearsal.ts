/**
 * Before a pair is ended for another program, that program shows that it can work here: it starts as a worker, reads the settings, opens
 * the schema, finds its server, and ends. Where it cannot, the pair is not touched and goes on.
 */
import { execFile } from "node:child_process";
import { CastellanError } from "@castellan/kernel";
import type { HomePaths } from "../home-paths.ts";
import { pairState } from "./bring-up.ts";
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
      else {
        const { worker, watcher } = pairState(paths);
        const entry = program.entry;
        const reason = reasonOf(stderr, error);
        const words = wordsOfFailure({ entry, reason, hasPair: worker !== null || watcher !== null });
        reject(new CastellanError("PROGRAM_FAILED", words, { cause: error ?? undefined, details: { entry, reason } }));
      }
    });
  });
}

/** After an exchange that was broken off there may be no sentinel that could go on. Pure. */
export function wordsOfFailure(failed: {
  readonly entry: string;
  readonly reason: string;
  readonly hasPair: boolean;
}): string {
  const left = failed.hasPair
    ? "the sentinel that runs goes on as it is"
    : "no sentinel runs here; what the last one started runs on without it";
  return `the program at ${failed.entry} cannot work here: ${failed.reason}\n${left}: mend that, then run \`castellan upgrade\` again`;
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
