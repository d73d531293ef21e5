/**
 * A sentinel exchanges its own pair: for the program that is installed where it was started from, and for no other. Whoever
 * asks says which release that has to be; where it lies, and what is run, is never asked.
 */
import { execFile } from "node:child_process";
import { CastellanError, isNewer, type Logger, PROGRAM_VERSION } from "@castellan/kernel";
import { createProcReader } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { type LaunchedPart, launchPart, type ProgramEntry } from "./part.ts";
import { rehearse } from "./rehearsal.ts";

interface ExchangeDeps {
  readonly paths: HomePaths;
  readonly program: ProgramEntry;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

interface Exchanged {
  readonly from: string;
  readonly to: string;
}

/** A program that has not said its release by then does not run here, milliseconds. */
const SAY_MS = 20_000;
const MAX_SAID = 1024;
const RELEASE = /^\d+\.\d+\.\d+[\w.+-]{0,40}$/;

/**
 * Launches the next watcher; that one ends this pair and begins its own (`program/watcher.ts`), so that nobody has to live on in
 * between. Rejects with NOT_INSTALLED, PROGRAM_FAILED: then nothing has changed.
 */
export function createExchange(deps: ExchangeDeps): (by: string, wanted: string) => Promise<Exchanged> {
  return async (by, wanted) => {
    const found = await installedRelease(deps);
    const problem = exchangeProblem({ own: PROGRAM_VERSION, found, wanted, entry: deps.program.entry });
    if (problem !== null) throw problem;
    await rehearse(deps);
    deps.log.info("this pair is exchanged", { by, from: PROGRAM_VERSION, to: found });
    launchNextPair(deps);
    return { from: PROGRAM_VERSION, to: found };
  };
}

/** The pair that lives in this home is ended by the watcher that is launched here, and adopted. Where none lives it just begins. */
export function launchNextPair({ paths, program, environment }: Omit<ExchangeDeps, "log">): LaunchedPart {
  const extraArguments = ["--rejoin", "--exchange"];
  return launchPart(paths, "watcher", { program, extraArguments, environment, proc: createProcReader() });
}

/** Null: it may be exchanged. Pure. */
export function exchangeProblem(facts: {
  readonly own: string;
  readonly found: string;
  readonly wanted: string;
  readonly entry: string;
}): CastellanError | null {
  const { own, found, wanted, entry } = facts;
  if (found === wanted && isNewer(found, own)) return null;
  const what = isNewer(wanted, own) ? `the sentinel works with ${own}` : `the sentinel works with ${own} already`;
  return new CastellanError(
    "NOT_INSTALLED",
    `${what}, and at ${entry} there is release ${found}: install ${wanted} there, then run \`castellan upgrade\` again`,
    { details: { own, found, wanted } },
  );
}

/** What the program on disk says: only one that runs here is worth exchanging for. */
function installedRelease({ program, environment, paths }: ExchangeDeps): Promise<string> {
  const argv = [...program.execArgv, program.entry, "--version"];
  const options = {
    cwd: paths.home,
    env: environment,
    timeout: SAY_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_SAID,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(program.execPath, argv, options, (error, stdout) => {
      const said = stdout.trim();
      if (error === null && RELEASE.test(said)) resolve(said);
      else
        reject(
          new CastellanError("PROGRAM_FAILED", `the program at ${program.entry} does not say which release it is`, {
            cause: error ?? undefined,
          }),
        );
    });
  });
}
