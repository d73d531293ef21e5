/** Runs the command line program the way an operator does. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { CastellanError } from "@castellan/kernel";
import { cliPath } from "./repository.ts";

export interface CliOptions {
  /** The home directory, given as `CASTELLAN_HOME`. */
  readonly home?: string;
  /** On top of this process's environment, from which the test runner's own variables are taken out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another program than `castellan`: absolute path of its script. */
  readonly program?: string;
  /** In front of all, and becomes the program: `nsenter --net=...`. */
  readonly through?: readonly string[];
  /** How long its output may stay open after it ended, milliseconds. Default 20 s. */
  readonly outputGraceMs?: number;
}

export interface CliResult {
  /** Exit code; 128 + n when it was ended by signal n, as a shell says it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly pid: number;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** Settles when it has ended; rejects when it could not be started. */
  readonly ended: Promise<CliResult>;
}

/** A test that is held up itself reads late. */
const OUTPUT_GRACE_MS = 20_000;

/** Starts the program and leaves it running (`up`, `--follow`). The caller ends it. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const [program = "", ...rest] = [...(options.through ?? []), process.execPath, options.program ?? cliPath, ...args];
  const child = spawn(program, rest, {
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: cliEnvironment(options),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode, signal) => {
      const held = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        reject(
          new CastellanError(
            "CLI_OUTPUT_HELD",
            `castellan ${args.join(" ")} ended, but something it started holds its output`,
          ),
        );
      }, options.outputGraceMs ?? OUTPUT_GRACE_MS);
      child.once("close", () => {
        clearTimeout(held);
        resolve({ code: exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout, stderr });
      });
    });
  });
  // The caller may look at it late or never; it is the caller's rejection to handle all the same.
  ended.catch(() => undefined);
  return { pid: child.pid ?? 0, stdout: () => stdout, stderr: () => stderr, signal: (name) => child.kill(name), ended };
}

/** Runs the program to its end. Throws `CLI_TIMEOUT` with its output when it is not done after `timeoutMs` (default 2 min). */
export async function runCli(
  args: readonly string[],
  options: CliOptions & { readonly timeoutMs?: number } = {},
): Promise<CliResult> {
  const { timeoutMs = 120_000, ...rest } = options;
  const running = startCli(args, rest);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.signal("SIGKILL");
  }, timeoutMs);
  try {
    const result = await running.ended;
    if (!late) return result;
  } finally {
    clearTimeout(timer);
  }
  throw new CastellanError(
    "CLI_TIMEOUT",
    `castellan ${args.join(" ")}: not done after ${timeoutMs} ms\nstdout: ${running.stdout()}\nstderr: ${running.stderr()}`,
  );
}

function cliEnvironment({ home, env }: CliOptions): NodeJS.ProcessEnv {
  const outer = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("VITEST") && !["NODE_ENV", "NODE_OPTIONS", "CASTELLAN_HOME", "TEST"].includes(name),
  );
  return { ...Object.fromEntries(outer), ...(home === undefined ? {} : { CASTELLAN_HOME: home }), ...env };
}
