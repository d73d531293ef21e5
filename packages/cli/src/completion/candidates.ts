/**
 * What may come next on a command line that is being typed: read off the grammar, so that a new command is completed without
 * anybody doing anything; names of servers and processes come from whoever calls. Pure but for those.
 */
import type { Argument, Command, Option } from "commander";

/** The names that a node knows. */
export interface NodeNames {
  readonly servers: readonly string[];
  readonly instances: readonly { readonly server: string; readonly type: string; readonly instance: number }[];
  /** Case numbers of unfinished work items. */
  readonly cases: readonly number[];
}

/** `files`: the shell's own completion of paths is meant. */
export type Candidates = readonly string[] | "files";

/** Words of arguments that stand for the same everywhere; those of names are looked up in the node. */
type Kind = (names: NodeNames, before: readonly string[]) => readonly string[];

const distinct = (words: readonly string[]): string[] => [...new Set(words)].sort();
const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

const serverNames: Kind = ({ servers }) => servers;
const typeNames: Kind = ({ instances }, [server]) =>
  distinct(instances.filter((one) => server === undefined || same(server, one.server)).map(({ type }) => type));
const instanceNumbers: Kind = ({ instances }, [server, type]) =>
  instances.filter((one) => same(server, one.server) && same(type, one.type)).map(({ instance }) => String(instance));

/** `[SERVER] TYPE [N]`. */
const processWords: Kind = ({ servers, instances }, before) => {
  const [first, second] = before;
  if (first === undefined) return distinct([...servers, ...instances.map(({ type }) => type)]);
  const here = instances.filter(({ server, type }) => same(first, server) || same(first, type));
  if (second !== undefined) return instanceNumbers({ servers, instances, cases: [] }, before);
  return distinct(here.map(({ server, type, instance }) => (same(first, server) ? type : String(instance))));
};

const KINDS = new Map<string, Kind>([
  ["server", serverNames],
  ["type", typeNames],
  ["instance", instanceNumbers],
  ["process", processWords],
  ["case", ({ cases }) => cases.map(String)],
  ["command", () => ["start", "stop", "restart", "pause", "resume"]],
  ["shell", () => ["bash", "zsh", "fish"]],
]);
const PATHS = new Set(["dir", "file"]);

/** `words`: what follows the program's name, the last being the one that is typed, perhaps empty. */
export async function candidatesFor(
  program: Command,
  words: readonly string[],
  names: () => Promise<NodeNames>,
): Promise<Candidates> {
  const typed = words.at(-1) ?? "";
  const { command, operands, pending } = walk(program, words.slice(0, -1));
  if (pending !== null) return PATHS.has(valueName(pending)) ? "files" : [];
  const fitting = (all: readonly string[]): string[] =>
    all.filter((word) => word.toLowerCase().startsWith(typed.toLowerCase()));
  if (typed.startsWith("-")) return fitting(optionsOf(program, command));
  if (operands.length === 0 && command.commands.length > 0) return fitting(commandsOf(command));
  const argument = argumentAt(command, operands.length);
  if (argument === null) return [];
  if (argument.argChoices !== undefined) return fitting(argument.argChoices);
  if (PATHS.has(argument.name())) return "files";
  const kind = KINDS.get(argument.name());
  return kind === undefined ? [] : fitting(kind(await names(), nodeOperands(command, operands)));
}

/** The value of `--home` among the words; undefined: none is given. */
export function homeAmong(words: readonly string[]): string | undefined {
  const at = words.lastIndexOf("--home", -2);
  return at === -1 ? words.find((word) => word.startsWith("--home="))?.slice("--home=".length) : words[at + 1];
}

interface Walked {
  readonly command: Command;
  readonly operands: readonly string[];
  /** The option whose value is being typed. */
  readonly pending: Option | null;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let pending: Option | null = null;
  const operands: string[] = [];
  for (const word of words) {
    if (pending !== null) {
      pending = null;
    } else if (word.startsWith("-")) {
      const option = [...command.options, ...program.options].find(
        ({ short, long }) => word === short || word === long,
      );
      pending = option !== undefined && (option.required || option.optional) ? option : null;
    } else {
      const inner = operands.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (inner === undefined) operands.push(word);
      else command = inner;
    }
  }
  return { command, operands, pending };
}

const valueName = (option: Option): string => /<([^>]+)>/.exec(option.flags)?.[1] ?? "";

const commandsOf = (command: Command): string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((one) => one.name());

const optionsOf = (program: Command, command: Command): string[] =>
  distinct(
    [...command.options, ...program.options, ...(command.createHelp().visibleOptions(command) ?? [])].flatMap(
      (option) => (option.hidden || option.long === undefined || option.long === null ? [] : [option.long]),
    ),
  );

/** The last argument of a command may take any number of words. */
function argumentAt(command: Command, at: number): Argument | null {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[at] ?? (last?.variadic ? last : null);
}

/** The operands that say which processes are meant: what stands before `server` (a verb, an attribute) is left out. */
function nodeOperands(command: Command, operands: readonly string[]): readonly string[] {
  const first = command.registeredArguments.findIndex((argument) => argument.name() === "server");
  return operands.slice(Math.max(0, first));
}
