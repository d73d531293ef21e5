/**
 * A child process that serves a test: its output goes to a file (a pipe nobody reads would block it), it dies with this
 * process, and it can be stopped, killed and frozen. The launchers of nats-server and PostgreSQL stand on it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { CastellanError, ensureError } from "@castellan/kernel";
import { eventually } from "./eventually.ts";

export interface DaemonOptions {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Receives stdout and stderr, appended. */
  readonly logFile: string;
  /** Run as this user and group (needs root). */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** A program in front of all others that becomes the next one (`nsenter --net=...`): the process id stays the same. */
  readonly through?: readonly string[];
  /** Sent to it when this process dies. Default KILL. */
  readonly deathSignal?: "KILL" | "QUIT";
  readonly env?: NodeJS.ProcessEnv;
}

/** `setpriv` (util-linux) can tie a child's life to ours. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));

const LOG_TAIL_CHARS = 4000;

export class Daemon {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #exited: Promise<void>;
  #failure: Error | undefined;

  constructor(options: DaemonOptions) {
    this.#logFile = options.logFile;
    const [program = "", ...args] = launchVector(options);
    const log = openSync(options.logFile, "a");
    try {
      this.#child = spawn(program, args, {
        cwd: options.cwd,
        stdio: ["ignore", log, log],
        env: options.env ?? process.env,
        ...(SETPRIV === undefined ? options.user : {}),
      });
    } finally {
      closeSync(log);
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", () => resolve());
      this.#child.once("error", (thrown) => {
        this.#failure = thrown;
        resolve();
      });
    });
  }

  /** Zero when it could not be started at all. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#failure === undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The end of what it printed. */
  output(): string {
    try {
      return readFileSync(this.#logFile, "utf8").slice(-LOG_TAIL_CHARS).trim();
    } catch (thrown) {
      return `(no output: ${ensureError(thrown).message})`;
    }
  }

  /** What to throw when it has ended too early: why, and what it printed last. */
  obituary(name: string): CastellanError {
    const why = this.#failure?.message ?? `exit code ${this.#child.exitCode ?? this.#child.signalCode}`;
    return new CastellanError("DAEMON_ENDED", `${name} ended (${why}):\n${this.output()}`);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.alive) this.#child.kill(signal);
  }

  /** SIGSTOP, and back once every thread of it stands still: until then it may still answer. */
  async freeze(): Promise<void> {
    this.signal("SIGSTOP");
    await eventually(() => !this.alive || isStopped(this.pid), {
      everyMs: 1,
      describe: `process ${this.pid} stands still`,
    });
  }

  /** Ends it with `signal`, thawed if it was frozen, and with SIGKILL when it has not obeyed after `graceMs`. */
  async end(signal: NodeJS.Signals, graceMs = 20_000): Promise<void> {
    this.signal(signal);
    if (signal !== "SIGKILL") this.signal("SIGCONT");
    const kill = setTimeout(() => this.signal("SIGKILL"), graceMs);
    await this.#exited;
    clearTimeout(kill);
  }
}

function isStopped(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => /\) T /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8")));
}

function launchVector({ command, user, through = [], deathSignal = "KILL" }: DaemonOptions): readonly string[] {
  if (SETPRIV === undefined) return [...through, ...command];
  const as = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  return [...through, SETPRIV, "--pdeathsig", deathSignal, ...as, "--", ...command];
}
