/** Commands that show how things are. */
import { examples, type Group } from "./group.ts";

export const addObservation: Group = (program, bind) => {
  program.commandsGroup("How things are:");
  program
    .command("status")
    .description("show the node, its servers and their processes")
    .option("--watch", "again each second until Ctrl-C")
    .addHelpText("after", examples(["castellan status", "castellan status --watch", "castellan status --json"]))
    .action((options: { watch?: boolean }) => bind(async () => (await import("../commands/status.ts")).run)(options));
  program
    .command("explain")
    .description("say why a process is in the state it is in")
    .argument("<process...>", "TYPE [N] or SERVER TYPE [N]")
    .addHelpText(
      "after",
      examples(["castellan explain WEB", "castellan explain WEB 2", "castellan explain hades WEB 2 --json"]),
    )
    .action((words: string[]) => bind(async () => (await import("../commands/explain.ts")).run)(words));
  program
    .command("alerts")
    .description("print alerts as they happen, until Ctrl-C")
    .requiredOption("--follow", "needed: there is no other way yet (the past is in the work items)")
    .addHelpText("after", examples(["castellan alerts --follow", "castellan alerts --follow --json"]))
    .action(() => bind(async () => (await import("../commands/alerts.ts")).run)());
};
