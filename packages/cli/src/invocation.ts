/** One call of one command: the common options, and the node it is about. */
import type { AdminContext } from "@castellan/admin";
import type { Io } from "./io.ts";

export interface Invocation {
  readonly io: Io;
  /** The home directory, absolute. It need not exist. */
  readonly home: string;
  /** Print JSON and nothing else on stdout. */
  readonly json: boolean;
  /** The acting user. */
  readonly user: string;
  /** Program and command, as they go on record: `castellan attribute set`. */
  readonly command: string;
  /** `--timeout`, milliseconds; null when not given: each command has a default of its own. */
  readonly timeoutMs: number | null;
  /**
   * Opens the schema of the home; the bus connects when it is first used. The same one each time; closed after the
   * command. Rejects with NO_HOME, CONFIG_INVALID, STORE_UNAVAILABLE, SCHEMA.
   */
  openAdmin(): Promise<AdminContext>;
}

/** What a command's module exports: does it, and answers the exit code. Failures are thrown. */
export type Run<Args extends readonly unknown[] = []> = (invocation: Invocation, ...args: Args) => Promise<number>;

/** Prints one JSON value on a line of its own. */
export function printJson({ io }: Invocation, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`);
}
