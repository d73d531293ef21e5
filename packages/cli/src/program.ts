/**
 * The grammar of the command line, by groups (`grammar/`). Each command loads its code when it is called, so that
 * `--version`, `--help` and a mistake cost next to nothing.
 */
import { Command, Option } from "commander";
import { addActors } from "./grammar/actors.ts";
import { addAttributes } from "./grammar/attribute.ts";
import { addCompletion } from "./grammar/completion.ts";
import { addConfiguration } from "./grammar/configuration.ts";
import { type Bind, examples, seconds, textOf } from "./grammar/group.ts";
import { addNode } from "./grammar/node.ts";
import { addObservation } from "./grammar/observation.ts";
import { addOperations } from "./grammar/operations.ts";
import { addParts } from "./grammar/parts.ts";
import { addWorkItems } from "./grammar/work-items.ts";
import { homeOf } from "./home-option.ts";
import type { Invocation } from "./invocation.ts";
import type { Io } from "./io.ts";

/** The common options as they were given. */
export interface CommonOptions {
  readonly home: string;
  readonly json: boolean;
  readonly user: string;
  readonly timeoutMs: number | null;
}

/** Runs one command under its options: opens what it needs, closes it afterwards, answers its exit code. */
export type Perform = (options: CommonOptions, run: (invocation: Invocation) => Promise<number>) => Promise<void>;

const VERSION = "0.1.0";

/** In the order of the help. */
const GROUPS = [
  addNode,
  addConfiguration,
  addAttributes,
  addOperations,
  addObservation,
  addActors,
  addWorkItems,
  addCompletion,
  addParts,
];

/** Throws `CommanderError` on `--help`, `--version` (exit code 0) and on mistakes. */
export function createProgram(io: Io, perform: Perform): Command {
  const program = new Command("castellan");
  const bind: Bind =
    (load) =>
    async (...args) => {
      const run = await load();
      await perform(commonOptions(program, io), (invocation) => run(invocation, ...args));
    };
  program
    .description("Keeps the server processes of a node running.")
    .version(VERSION, "-V, --version", "print the version")
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
      subcommandTerm: (command) => command.name(),
    })
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: () => undefined,
    })
    .addHelpText("after", examples(["castellan up", "castellan status --watch", "castellan restart hades WEB 2"]));
  for (const add of GROUPS) add(program, bind);
  return program;
}

function commonOptions(program: Command, io: Io): CommonOptions {
  const given: { home?: string; json?: boolean; as?: string; timeout?: number } = program.opts();
  return {
    home: homeOf(io, given.home),
    json: given.json ?? false,
    user: given.as ?? io.user,
    timeoutMs: given.timeout === undefined ? null : given.timeout * 1000,
  };
}
