/** `castellan workitem ...`: what the node wants an administrator to know, and what was done about it. */
import { type Command, Option } from "commander";
import { duration, examples, type Group, textOf } from "./group.ts";

/** What needs nothing but the case number, and a note if one likes. */
const PLAIN = [
  ["open", "Open", "take an item to work on it: it is locked for others"],
  ["keep", "Keep", "put an item back, as seen but not done; gives the lock up"],
  ["release", "Release", "take an item off its queue: it has been seen to"],
  ["acknowledge", "Acknowledge", "say that you know of an item: it escalates no more"],
] as const;

const CASE = ["<case>", "its case number"] as const;
const load = () => import("../commands/work-item.ts");

const noted = (command: Command): Command =>
  command.option("--note <text>", "for its history: why, or what was done", textOf(1000));

export const addWorkItems: Group = (program, bind) => {
  const items = program
    .command("workitem")
    .description("what the node wants an administrator to know")
    .helpCommand(false)
    .addHelpText(
      "after",
      examples(["castellan workitem list", "castellan workitem open 12", "castellan workitem release 12"]),
    );
  const add = (name: string, description: string, lines: readonly string[]): Command =>
    items
      .command(name)
      .description(description)
      .addHelpText("after", examples(lines.map((line) => `castellan workitem ${line}`)));

  add("list", "list the unfinished work items", ["list", "list --mine", "list --queue storage --late"])
    .option("--all", "the finished ones too, and those of lost servers")
    .option("--mine", "only what you hold, are assigned to, or was forwarded to you")
    .option("--late", "only what should have been acknowledged by now")
    .option("--queue <name>", "only what is in this queue", textOf(64))
    .action((options: { all?: boolean; mine?: boolean; late?: boolean; queue?: string }) =>
      bind(async () => (await load()).list)(options),
    );
  add("show", "show an item: what it is about, its history, what to do next", ["show 12", "show 12 --json"])
    .argument(...CASE)
    .action((number: string) => bind(async () => (await load()).show)(number));
  add("history", "show what has happened to an item, and who did it", ["history 12", "history 12 --json"])
    .argument(...CASE)
    .action((number: string) => bind(async () => (await load()).history)(number));

  for (const [name, type, description] of PLAIN) {
    noted(add(name, description, [`${name} 12`, `${name} 12 --note "disk cleaned" --as bob`]).argument(...CASE)).action(
      (number: string, options: { note?: string }) =>
        bind(async () => (await load()).act)(number, () => ({ type, ...options })),
    );
  }
  noted(add("undo", "give an item up that you opened, unchanged", ["undo 12", 'undo 12 --force --note "bob has left"']))
    .argument(...CASE)
    .option("--force", "take it away from whoever holds it")
    .action((number: string, { force, ...options }: { force?: boolean; note?: string }) =>
      bind(async () => (await load()).act)(number, () => ({ type: force ? "BreakLock" : "Undo", ...options })),
    );
  noted(add("forward", "send an item to another queue, or to a user", ["forward 12 storage", "forward 12 bob --user"]))
    .argument(...CASE)
    .argument("<to>", "the queue", textOf(64))
    .option("--user", "it is a user's name")
    .action((number: string, to: string, { user, ...options }: { user?: boolean; note?: string }) =>
      bind(async () => (await load()).act)(number, () => ({
        type: "Forward",
        to: user ? { user: to } : { queue: to.toLowerCase() },
        ...options,
      })),
    );
  add("note", "write a line into an item's history", ['note 12 "ordered a new disk"', 'note 12 "arrived" --as bob'])
    .argument(...CASE)
    .argument("<text>", "what to write", textOf(1000))
    .action((number: string, note: string) =>
      bind(async () => (await load()).act)(number, () => ({ type: "Note", note })),
    );
  noted(add("assign", "say who is to see to an item; others still may", ["assign 12 bob", "assign 12 --nobody"]))
    .argument(...CASE)
    .argument("[user]", "who", textOf(64))
    .option("--nobody", "nobody in particular")
    .action((number: string, user: string | undefined, options: { nobody?: boolean; note?: string }) =>
      bind(async () => (await load()).assign)(number, user, options),
    );
  noted(
    add("silence", "no new items, no escalation from an item's cause for a time", [
      "silence 12 --for 2h",
      "silence 12 --off",
    ]),
  )
    .argument(...CASE)
    .addOption(new Option("--for <time>", "how long: 30m, 2h, 7d").argParser(duration))
    .option("--off", "no longer")
    .action((number: string, options: { for?: number; off?: boolean; note?: string }) =>
      bind(async () => (await load()).silence)(number, options),
    );

  add("dead-letters", "list alerts that could not be applied, or show one", ["dead-letters", "dead-letters 01ABC"])
    .argument("[id]", "show this one", textOf(64))
    .action((id: string | undefined) => bind(async () => (await import("../commands/dead-letter.ts")).list)(id));
  add("retry", "apply a dead letter again", ["retry 01ABC", "retry 01ABC --json"])
    .argument("<id>", "as listed by dead-letters", textOf(64))
    .action((id: string) => bind(async () => (await import("../commands/dead-letter.ts")).retry)(id));
};
