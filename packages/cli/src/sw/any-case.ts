/** The original's commands were written in capitals and in small letters: a command is found in any case. */
import type { Command } from "commander";
import type { Grammar } from "../program-base.ts";

const WITH_VALUE = new Set(["--home", "--as", "--timeout", "-T"]);

export const anyCase: NonNullable<Grammar["read"]> = (args, program) => {
  const at = args.findIndex((word, i) => !word.startsWith("-") && !WITH_VALUE.has(args[i - 1] ?? ""));
  const typed = args[at]?.toLowerCase();
  const meant = namesOf(program).find((name) => name.toLowerCase() === typed);
  if (meant !== undefined) return args.with(at, meant);
  // A misspelled one is compared with the known ones as these are written.
  return typed !== undefined && isLoud(program) ? args.with(at, typed.toUpperCase()) : args;
};

const isLoud = (program: Command): boolean => namesOf(program).every((name) => name === name.toUpperCase());

const namesOf = ({ commands }: Command): string[] =>
  commands.flatMap((command) => [command.name(), ...command.aliases()]);
