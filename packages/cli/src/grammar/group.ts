/** What the groups of the grammar are made of. A group adds its commands; what a command does is loaded when it is called. */
import { type Command, InvalidArgumentError } from "commander";
import type { Invocation, Run } from "../invocation.ts";

/** The body of a command from its module: `bind(async () => (await import("../commands/up.ts")).run)(options)`. */
export type Bind = <Args extends readonly unknown[]>(
  load: () => Promise<(invocation: Invocation, ...args: Args) => Promise<number>>,
) => (...args: Args) => Promise<void>;

type Load<Args extends readonly unknown[]> = () => Promise<Run<Args>>;

/** Of a command that begins or ends programs in a home, or changes its files: refused (5) to whom that home does not belong. */
export const ofOwner =
  <Args extends readonly unknown[]>(load: Load<Args>): Load<Args> =>
  async () =>
    (await import("../owner.ts")).ofOwner(await load());

/** Adds the commands of one group under its heading in the help. */
export type Group = (program: Command, bind: Bind) => void;

/** The last part of each command's help. Every command has one. */
export const examples = (lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;

/** Parses a number of seconds, at most a day. */
export function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("write a number of seconds, at most 86400.");
}

/** Parses a duration (`30m`) of 1 s to 366 days, as milliseconds. By hand: the parser of the kernel is not loaded for help. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text.trim());
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""] ?? Number.NaN;
  const value = Math.round(Number(match?.[1]) * unit);
  if (value >= 1000 && value <= 366 * 86_400_000) return value;
  throw new InvalidArgumentError("write a duration, for example 30m, 2h or 7d, at most 366d.");
}

/** Parses a text of 1 to `most` characters: what the schema has room for. */
export function textOf(most: number): (text: string) => string {
  return (text) => {
    if (text.length >= 1 && text.length <= most) return text;
    throw new InvalidArgumentError(`write 1 to ${most} characters.`);
  };
}

/** Parses a whole number from 0 to `most`. */
export function wholeNumber(most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value <= most) return value;
    throw new InvalidArgumentError(`write a whole number, at most ${most}.`);
  };
}
