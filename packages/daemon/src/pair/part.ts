/**
 * The two parts of a server's sentinel as processes: who they are (`run/{part}.json`) and how one is launched. A part
 * outlives whoever launched it: own process group, output to a file, no pipe, no reference.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM_VERSION, readSmallFileSync } from "@castellan/kernel";
import { isProcessIdentity, type ProcessIdentity, type ProcReader, writeDurably } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";

/** What a managed process is found by (`launch.ts` of the sentinel). */
const LABELS = new Set(["CASTELLAN_LAUNCH", "CASTELLAN_ATTEMPT", "CASTELLAN_TYPE", "CASTELLAN_INSTANCE"]);

export type Part = "worker" | "watcher";

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Larger is none of ours. */
const MAX_PART_BYTES = 64 * 1024;

const partFile = (paths: HomePaths, part: Part): string => join(paths.run, `${part}.json`);

/** Who a living process is; our own programs carry no launch id. */
export function identify(proc: ProcReader, pid: number): ProcessIdentity | null {
  const stat = proc.stat(pid);
  return stat === null ? null : { pid, startTime: stat.startTime, bootId: proc.bootId, launchId: "" };
}

/** Signals exactly this process; false when it is gone, or is another by now. */
export function signalExactly(proc: ProcReader, identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!proc.isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false; // it ended between the look and the signal, or is not ours to signal
  }
}

/** Tells the other part who we are. */
export async function announcePart(paths: HomePaths, part: Part, proc: ProcReader): Promise<void> {
  const identity = identify(proc, process.pid);
  const announced = { ...identity, release: PROGRAM_VERSION };
  if (identity !== null) await writeDurably(partFile(paths, part), `${JSON.stringify(announced)}\n`);
}

/** The part of this home that lives, or null. */
export function livingPart(paths: HomePaths, part: Part, proc: ProcReader): ProcessIdentity | null {
  const announced = readPart(paths, part);
  return isProcessIdentity(announced) && proc.isAlive(announced) ? announced : null;
}

/** The release of that part; null: it does not live, or is of a release that did not say. */
export function livingRelease(paths: HomePaths, part: Part, proc: ProcReader): string | null {
  if (livingPart(paths, part, proc) === null) return null;
  const announced = readPart(paths, part);
  const isTold = typeof announced === "object" && announced !== null && "release" in announced;
  return isTold && typeof announced.release === "string" ? announced.release : null;
}

function readPart(paths: HomePaths, part: Part): unknown {
  try {
    return JSON.parse(readSmallFileSync(partFile(paths, part), MAX_PART_BYTES).toString("utf8"));
  } catch {
    return null; // no file, or half of one: then nobody has announced himself
  }
}

export interface LaunchedPart {
  readonly identity: ProcessIdentity | null;
  /** Called once when it ends; it may never be called when the launcher ends first. */
  onExit(listener: () => void): void;
}

/** How to start one of our own programs: `[node, options..., entry]`. */
export interface ProgramEntry {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly entry: string;
}

/** A managed process may run `castellan up`: the pair is not one of its descendants, to be ended when that one is stopped. */
function withoutLabels(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !LABELS.has(name)));
}

export function launchPart(
  paths: HomePaths,
  part: Part,
  launch: {
    readonly program: ProgramEntry;
    readonly extraArguments: readonly string[];
    readonly environment: NodeJS.ProcessEnv;
    readonly proc: ProcReader;
  },
): LaunchedPart {
  const { program, extraArguments, environment, proc } = launch;
  const log = openLog(join(paths.logs, `castellan-${part}.out`));
  try {
    const argv = [...program.execArgv, program.entry, part, "--home", paths.home, ...extraArguments];
    const child = spawn(program.execPath, argv, {
      cwd: paths.home,
      detached: true,
      stdio: ["ignore", log ?? "ignore", log ?? "ignore"],
      env: withoutLabels(environment),
    });
    child.on("error", () => undefined); // not launched: pid is undefined and the guard tries again
    child.unref();
    return {
      identity: child.pid === undefined ? null : identify(proc, child.pid),
      onExit: (listener) => void child.once("exit", listener),
    };
  } finally {
    if (log !== null) closeSync(log);
  }
}

/**
 * Only what a part cannot log itself gets there; what is larger is put aside. Null on a disk that is full or read-only:
 * whoever launches must outlive that, and the part goes without its output.
 */
function openLog(path: string): number | null {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > MAX_OUTPUT_BYTES) renameSync(path, `${path}.1`);
    return openSync(path, "a");
  } catch {
    return null;
  }
}
