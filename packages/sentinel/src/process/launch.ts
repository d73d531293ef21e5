/**
 * Spawns a process that outlives us: its own session and group, nothing of ours held open but its log file.
 *
 * L1 The child holds no pipe of ours: standard input is /dev/null, both outputs append to a file.
 * L2 Whatever the system says to a spawn is a result with a sentence for people, never a throw.
 * L3 Pid and start time are read before anything else can happen: an unreaped child keeps its entry in /proc.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Clock, ensureError, systemCode } from "@castellan/kernel";
import type { ProcessKey } from "@castellan/protocol";
import type { GuardPort } from "../grant/guard-port.ts";
import { outputFileOf } from "../output/output-file.ts";
import type { SentinelIdentity } from "../ports.ts";
import type { ProcessIdentity, ProcReader } from "./identity.ts";
import type { LaunchDefinition } from "./record.ts";
import { createSpawnShare } from "./spawn-share.ts";
import { createFill } from "./template.ts";

export interface LaunchOrder {
  readonly key: ProcessKey;
  readonly launchId: string;
  /** Replacements under this launch id so far. */
  readonly attempt: number;
  readonly definition: LaunchDefinition;
  /** Called once when the child has ended: `exit code 1`, `signal SIGKILL`. Never before `launch` has resolved. */
  readonly onExit: (process: ProcessIdentity, how: string) => void;
}

export type LaunchResult =
  | { readonly ok: true; readonly process: ProcessIdentity }
  | { readonly ok: false; readonly reason: string; readonly kind: "permanent" | "transient" | "unrecorded" };

export interface Launcher {
  launch(order: LaunchOrder): Promise<LaunchResult>;
  /** As a child of the server's guard, not of ours: nothing calls `onExit`. */
  launchGuarded(order: Omit<LaunchOrder, "onExit">): Promise<LaunchResult>;
}

export interface LauncherDeps {
  readonly identity: SentinelIdentity;
  readonly proc: ProcReader;
  readonly clock: Clock;
  /** What every process inherits: PATH, HOME, LANG, TZ and the like. Chosen by the composition root. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Null where nothing is granted. */
  readonly guard?: Pick<GuardPort, "launch"> | null;
}

/** Trying again cannot help until somebody changes something. */
const PERMANENT = new Set([
  "ENOENT",
  "EACCES",
  "EPERM",
  "ENOTDIR",
  "ENOEXEC",
  "E2BIG",
  "ELOOP",
  "EINVAL",
  "ENAMETOOLONG",
]);

export function createLauncher({ identity: who, proc, clock, baseEnv, guard = null }: LauncherDeps): Launcher {
  const inTurn = createSpawnShare(clock);
  const prepare = ({ key, launchId, attempt, definition }: Omit<LaunchOrder, "onExit">) => {
    const fill = createFill(who, key);
    const [program = "", ...args] = definition.command.map(fill);
    const cwd = resolve(who.home, fill(definition.cwd));
    const env = {
      ...baseEnv,
      ...Object.fromEntries(Object.entries(definition.env).map(([name, value]) => [name, fill(value)])),
      CASTELLAN_LAUNCH: launchId,
      CASTELLAN_ATTEMPT: String(attempt),
      CASTELLAN_NODE: who.node,
      CASTELLAN_SERVER: who.server,
      CASTELLAN_TYPE: key.type,
      CASTELLAN_INSTANCE: String(key.instance),
      CASTELLAN_HOME: who.home,
    };
    return { program, args, cwd, env };
  };
  const launchNow = async (order: LaunchOrder): Promise<LaunchResult> => {
    const { key, launchId, onExit } = order;
    const { program, args, cwd, env } = prepare(order);
    let log: number;
    try {
      log = openLog(outputFileOf(who.home, key));
    } catch (thrown) {
      return {
        ok: false,
        kind: "unrecorded",
        reason: `its log file cannot be opened: ${ensureError(thrown).message}`,
      };
    }
    let child: ChildProcess;
    try {
      child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", log, log] });
    } catch (thrown) {
      return refusal(thrown, program, cwd);
    } finally {
      closeSync(log);
    }
    const { pid } = child;
    if (pid === undefined) return refusal(await firstError(child), program, cwd);
    const process: ProcessIdentity = {
      pid,
      startTime: proc.startTimeOf(pid) ?? 0,
      bootId: proc.bootId,
      launchId,
    };
    child.on("error", () => undefined); // only failed kills and sends come here, and we do neither
    child.once("exit", (code, signal) =>
      onExit(process, signal === null ? `exit code ${code ?? "unknown"}` : `signal ${signal}`),
    );
    child.unref();
    return { ok: true, process };
  };
  /** The guard is a shell script: what the system would say to a spawn is found out before it is asked. */
  const launchGuardedNow = async (order: Omit<LaunchOrder, "onExit">): Promise<LaunchResult> => {
    const { program, args, cwd, env } = prepare(order);
    const code = whyNotExecutable(program, cwd, env);
    if (code !== null) return refusal(Object.assign(new Error(code), { code }), program, cwd);
    if (guard === null) return { ok: false, kind: "transient", reason: "this server has no guard" };
    try {
      const output = outputFileOf(who.home, order.key);
      closeSync(openLog(output));
      const process = await guard.launch({ argv: [program, ...args], cwd, env, output, launchId: order.launchId });
      return { ok: true, process };
    } catch (thrown) {
      return { ok: false, kind: "transient", reason: ensureError(thrown).message };
    }
  };
  return {
    launch: (order) => inTurn(() => launchNow(order)),
    launchGuarded: (order) => inTurn(() => launchGuardedNow(order)),
  };
}

/** The system's code for what would refuse to run, or null. */
function whyNotExecutable(program: string, cwd: string, env: Readonly<Record<string, string>>): string | null {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) return "ENOTDIR";
  const isPath = program.includes("/");
  const paths = isPath
    ? [program]
    : (env["PATH"] ?? "/usr/bin:/bin").split(":").map((directory) => `${directory}/${program}`);
  let code = "ENOENT";
  for (const path of paths.map((one) => resolve(cwd, one))) {
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return null;
      code = "EACCES";
    } catch (thrown) {
      if (systemCode(thrown) === "EACCES") code = "EACCES";
    }
  }
  return code;
}

function openLog(path: string): number {
  // To open one would hold up the whole program until somebody reads from it.
  if (statSync(path, { throwIfNoEntry: false })?.isFIFO() === true) throw new Error(`${path} is a FIFO`);
  try {
    return openSync(path, "a", 0o640);
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a", 0o640);
  }
}

const firstError = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once("error", resolve));

function refusal(thrown: unknown, program: string, cwd: string): LaunchResult {
  const code = systemCode(thrown) ?? "";
  return {
    ok: false,
    reason: sentence(code, program, cwd, thrown),
    kind: PERMANENT.has(code) ? "permanent" : "transient",
  };
}

function sentence(code: string, program: string, cwd: string, thrown: unknown): string {
  // The system says ENOENT for both; only one of them is the program.
  const directory = statSync(cwd, { throwIfNoEntry: false });
  if (directory === undefined) return `the working directory ${cwd} does not exist`;
  if (!directory.isDirectory()) return `the working directory ${cwd} is not a directory`;
  switch (code) {
    case "ENOENT":
      return `there is no program "${program}" (looked for on PATH, or from ${cwd})`;
    case "EACCES":
      return `"${program}" may not be executed, or ${cwd} may not be entered`;
    case "EAGAIN":
      return `the system has no room for another process now (EAGAIN)`;
    case "ENOMEM":
      return `the system has no memory for another process now (ENOMEM)`;
    case "EMFILE":
    case "ENFILE":
      return `no more files can be opened now (${code})`;
    case "E2BIG":
      return "its arguments and environment are too long for the system";
    default:
      return `"${program}" cannot be started: ${ensureError(thrown).message}`;
  }
}
