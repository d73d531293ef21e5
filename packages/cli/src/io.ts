/** The terminal, the environment and who is there: everything the commands know of the world they were called in. */
import { hostname, userInfo } from "node:os";

export interface Io {
  /** Results. */
  out(text: string): void;
  /** Complaints and hints. */
  err(text: string): void;
  /** Whether a person watches the results: only then is anything redrawn. */
  readonly isTerminal: boolean;
  readonly outColour: boolean;
  readonly errColour: boolean;
  /** Width of the terminal in characters; unbounded when it is none. */
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The operating system's name of the user. */
  readonly user: string;
  readonly hostName: string;
  /** Asks whoever sits there, and answers what was typed; null: nobody does. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Aborts on Ctrl-C or SIGTERM. From its first use on, these no longer end the program by themselves. */
  readonly interrupted: AbortSignal;
}

export function systemIo(): Io {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(); // whoever read it has seen enough
      throw error;
    });
  }
  const colour = (stream: NodeJS.WriteStream): boolean =>
    isTerminal(stream) && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  let interruption: AbortController | null = null;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    isTerminal: isTerminal(stdout) && env["TERM"] !== "dumb",
    outColour: colour(stdout),
    errColour: colour(stderr),
    get columns() {
      if (!isTerminal(stdout)) return Number.POSITIVE_INFINITY;
      return stdout.columns > 0 ? stdout.columns : 80; // a terminal that does not know its width says 0
    },
    env,
    cwd: process.cwd(),
    user: userName(),
    hostName: hostname(),
    ask: isTerminal(process.stdin) && isTerminal(stderr) ? askOnTerminal : null,
    get interrupted() {
      if (interruption === null) {
        const controller = new AbortController();
        interruption = controller;
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
      }
      return interruption.signal;
    },
  };
}

async function askOnTerminal(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}

/** The types promise a boolean; a stream that is no terminal has none. */
function isTerminal({ isTTY }: { readonly isTTY?: boolean }): boolean {
  return isTTY ?? false;
}

/** A user without an entry in the password file (a container) still has a number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
