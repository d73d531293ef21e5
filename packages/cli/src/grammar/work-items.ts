/** `castellan workitem ...`: what the node wants an administrator to know, and what was done about it. */
import { examples, type Group, textOf } from "./group.ts";

export const addWorkItems: Group = (program, bind) => {
  const items = program
    .command("workitem")
    .description("what the node wants an administrator to know")
    .helpCommand(false);
  items
    .command("list")
    .description("list the unfinished work items")
    .option("--all", "the finished ones too")
    .addHelpText("after", examples(["castellan workitem list", "castellan workitem list --all --json"]))
    .action((options: { all?: boolean }) => bind(async () => (await import("../commands/work-item.ts")).list)(options));
  items
    .command("show")
    .description("show one work item with its history")
    .argument("<case>", "its case number")
    .addHelpText("after", examples(["castellan workitem show 12", "castellan workitem show 12 --json"]))
    .action((number: string) => bind(async () => (await import("../commands/work-item.ts")).show)(number));
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
      bind(async () => (await import("../commands/work-item.ts")).release)(number, options),
    );
};
