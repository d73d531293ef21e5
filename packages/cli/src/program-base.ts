/** What every program of the command line begins with: the common options, and how its commands are performed. */
import { PROGRAM_VERSION } from "@castellan/kernel";
import { Command, Option } from "commander";
import { type Bind, seconds, textOf } from "./grammar/group.ts";
import { homeOf } from "./home-option.ts";
import type { Invocation } from "./invocation.ts";
import type { Io } from "./io.ts";

/** The common options as they were given. */
export interface CommonOptions {
  readonly home: string;
  readonly json: boolean;
  readonly user: string;
  readonly timeoutMs: number | null;
  /** Program and command, as they go on record: `swadm set_master`. */
  readonly command: string;
}

/** Runs one command under its options: opens what it needs, closes it afterwards, answers its exit code. */
export type Perform = (options: CommonOptions, run: (invocation: Invocation) => Promise<number>) => Promise<void>;

/** A program of the command line as a grammar. */
export interface Grammar {
  /** Parsing throws `CommanderError` on `--help`, `--version` (exit code 0) and on mistakes. */
  readonly create: (io: Io, perform: Perform) => Command;
  /** What is read instead of what was typed. */
  readonly read?: (args: readonly string[], program: Command) => readonly string[];
}

/** A program without any command yet. */
export function beginProgram(name: string, io: Io, perform: Perform): { program: Command; bind: Bind } {
  const program = new Command(name);
  let command = name;
  const bind: Bind =
    (load) =>
    async (...args) => {
      const run = await load();
      await perform({ ...commonOptions(program, io), command }, (invocation) => run(invocation, ...args));
    };
  program
    .version(PROGRAM_VERSION, "-V, --version", "print the version")
    .option("--home <dir>", "the home directory (default: $CASTELLAN_HOME, else ./castellan-home)")
    .option("--json", "print JSON: one value, or one a line for streams")
    .option("--as <user>", "the acting user (default: the operating system's)", textOf(64))
    .addOption(new Option("-T, --timeout <seconds>", "how long to wait").argParser(seconds))
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: Math.min(io.columns, 100),
      // A list of commands names them; what they take is for the help of each.
      subcommandTerm: (inner) => inner.name(),
    })
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: () => undefined,
    })
    .hook("preAction", (_program, action) => {
      command = wordsOf(action);
    });
  return { program, bind };
}

function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}

function commonOptions(program: Command, io: Io): Omit<CommonOptions, "command"> {
  const given: { home?: string; json?: boolean; as?: string; timeout?: number } = program.opts();
  return {
    home: homeOf(io, given.home),
    json: given.json ?? false,
    user: given.as ?? io.user,
    timeoutMs: given.timeout === undefined ? null : given.timeout * 1000,
  };
}
