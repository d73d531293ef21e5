/**
 * The grammar of the command line. Each command loads its code when it is called, so that `--version`, `--help` and a
 * mistake cost next to nothing.
 */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
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

/** Throws `CommanderError` on `--help`, `--version` (exit code 0) and on mistakes. */
export function createProgram(io: Io, perform: Perform): Command {
  const program = new Command("castellan");
  /** The body of a command: `command(async () => (await import(...)).run)`. */
  const command =
    <Args extends readonly unknown[]>(
      load: () => Promise<(invocation: Invocation, ...args: Args) => Promise<number>>,
    ) =>
    async (...args: Args): Promise<void> => {
      const run = await load();
      await perform(commonOptions(program, io), (invocation) => run(invocation, ...args));
    };

  program
    .description("Keeps the server processes of a node running.")
    .version(VERSION, "-V, --version", "print the version")
    .option("--home <dir>", "the node's home directory (default: $CASTELLAN_HOME, else ./castellan-home)")
    .option("--json", "print JSON: one value, or one a line for streams")
    .option("--as <user>", "the acting user (default: the operating system's)", textOf(64))
    .addOption(new Option("-T, --timeout <seconds>", "how long to wait").argParser(seconds))
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(io.columns, 100) })
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: () => undefined,
    })
    .addHelpText("after", examples(["castellan up", "castellan status --watch", "castellan restart hades WEB 2"]));

  program
    .command("up")
    .description("bring this server up; Ctrl-C takes it down again")
    .option("--bare", "a new home begins empty, without the example processes")
    .option("--example <dir>", "what a new home begins with instead: types.yaml, fspart, programs/")
    .option("-d, --detach", "return once the node runs; it goes on")
    .addHelpText("after", examples(["castellan up", "castellan up --bare --home /srv/ips1 --detach"]))
    .action((options: { example?: string; bare?: boolean; detach?: boolean }) =>
      command(async () => (await import("./commands/up.ts")).run)(options),
    );
  program
    .command("down")
    .description("stop all processes in order, then this server's sentinel")
    .addHelpText("after", examples(["castellan down", "castellan down --timeout 60"]))
    .action(() => command(async () => (await import("./commands/down.ts")).run)());
  program
    .command("apply")
    .argument("<file>", "YAML with types and servers")
    .description("make process types and instances as a file says")
    .option("--dry-run", "show it, change nothing")
    .addHelpText("after", examples(["castellan apply types.yaml --dry-run", "castellan apply types.yaml"]))
    .action((file: string, options: { dryRun?: boolean }) =>
      command(async () => (await import("./commands/apply.ts")).run)(file, options),
    );
  program
    .command("status")
    .description("show the node, its servers and their processes")
    .option("--watch", "again each second until Ctrl-C")
    .addHelpText("after", examples(["castellan status", "castellan status --watch", "castellan status --json"]))
    .action((options: { watch?: boolean }) => command(async () => (await import("./commands/status.ts")).run)(options));
  addOperations(program, command);
  addWorkItems(program, command);
  program
    .command("alerts")
    .description("print alerts as they happen, until Ctrl-C")
    .requiredOption("--follow", "needed: there is no other way yet (the past is in the work items)")
    .addHelpText("after", examples(["castellan alerts --follow", "castellan alerts --follow --json"]))
    .action(() => command(async () => (await import("./commands/alerts.ts")).run)());
  addParts(program, command);
  return program;
}

/** Turns a command's module into a commander action. */
type Bind = <Args extends readonly unknown[]>(
  load: () => Promise<(invocation: Invocation, ...args: Args) => Promise<number>>,
) => (...args: Args) => Promise<void>;

const OPERATIONS = [
  ["start", "start", "start what is enabled: all, a server, a type, or one"],
  ["stop", "shutdown", "stop in reverse order: all, a server, a type, or one"],
  ["restart", "restart", "stop and start again; also revives what is suspended"],
] as const;

function addOperations(program: Command, bind: Bind): void {
  for (const [name, verb, description] of OPERATIONS) {
    program
      .command(name)
      .description(description)
      .argument("[server]", "only on this server")
      .argument("[type]", "only processes of this type")
      .argument("[instance]", "only this one")
      .addHelpText("after", examples([`castellan ${name}`, `castellan ${name} hades`, `castellan ${name} hades WEB 2`]))
      .action((...target: (string | undefined)[]) =>
        bind(async () => (await import("./commands/operation.ts")).run)(verb, target.slice(0, 3)),
      );
  }
}

function addWorkItems(program: Command, bind: Bind): void {
  const items = program
    .command("workitem")
    .description("what the node wants an administrator to know")
    .helpCommand(false);
  items
    .command("list")
    .description("list the unfinished work items")
    .option("--all", "the finished ones too")
    .addHelpText("after", examples(["castellan workitem list", "castellan workitem list --all --json"]))
    .action((options: { all?: boolean }) => bind(async () => (await import("./commands/work-item.ts")).list)(options));
  items
    .command("show")
    .description("show one work item with its history")
    .argument("<case>", "its case number")
    .addHelpText("after", examples(["castellan workitem show 12", "castellan workitem show 12 --json"]))
    .action((number: string) => bind(async () => (await import("./commands/work-item.ts")).show)(number));
  items
    .command("release")
    .description("take a work item off its queue: it has been seen to")
    .argument("<case>", "its case number")
    .option("--note <text>", "what was done, for its history", textOf(1000))
    .addHelpText(
      "after",
      examples(["castellan workitem release 12", 'castellan workitem release 12 --note "disk cleaned"']),
    )
    .action((number: string, options: { note?: string }) =>
      bind(async () => (await import("./commands/work-item.ts")).release)(number, options),
    );
}

/** The programs of a server's sentinel. They start each other; nobody calls them by hand. */
function addParts(program: Command, bind: Bind): void {
  program
    .command("worker", { hidden: true })
    .option("--boot", "the pair has just been started: start the processes if PM_AUTO_BOOT says so")
    .action((options: { boot?: boolean }) => bind(async () => (await import("./commands/worker.ts")).run)(options));
  program
    .command("watcher", { hidden: true })
    .option("--rejoin", "the node's processes were looked after a moment ago")
    .action((options: { rejoin?: boolean }) => bind(async () => (await import("./commands/watcher.ts")).run)(options));
}

function commonOptions(program: Command, io: Io): CommonOptions {
  const given: { home?: string; json?: boolean; as?: string; timeout?: number } = program.opts();
  const fromEnvironment = io.env["CASTELLAN_HOME"];
  const home =
    given.home ?? (fromEnvironment === undefined || fromEnvironment === "" ? "castellan-home" : fromEnvironment);
  return {
    home: resolve(io.cwd, home),
    json: given.json ?? false,
    user: given.as ?? io.user,
    timeoutMs: given.timeout === undefined ? null : given.timeout * 1000,
  };
}

function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("write a number of seconds, at most 86400.");
}

/** What the schema has room for. */
function textOf(most: number): (text: string) => string {
  return (text) => {
    if (text.length >= 1 && text.length <= most) return text;
    throw new InvalidArgumentError(`write 1 to ${most} characters.`);
  };
}

const examples = (lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;
