/** Commands that show how things are. */
import { Option } from "commander";
import { duration, examples, type Group, textOf, wholeNumber } from "./group.ts";

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
    .description("print alerts: those of the last while, and those that come, none left out")
    .option("--follow", "go on as they happen, until Ctrl-C")
    .addOption(new Option("--since <time>", "begin so long ago: 30m, 1h, 7d").argParser(duration))
    .addHelpText(
      "after",
      examples([
        "castellan alerts --follow",
        "castellan alerts --since 1h",
        "castellan alerts --since 1h --follow --json",
      ]),
    )
    .action((options: { follow?: boolean; since?: number }) =>
      bind(async () => (await import("../commands/alerts.ts")).run)(options),
    );
  program
    .command("logs")
    .description("show what processes print: the end of it, and with --follow what comes")
    .usage("[options] [server] <type> [instance]")
    .argument("<words...>", "a type; before it the server it is on, after it one instance's number")
    .option("-f, --follow", "go on until Ctrl-C")
    .option("-n, --lines <count>", "how many lines of the past (default: 100)", wholeNumber(1_000_000))
    .addHelpText(
      "after",
      examples(["castellan logs WEB", "castellan logs WEB 2 --follow", "castellan logs hades WEB 2 -n 20"]),
    )
    .action((words: string[], options: { follow?: boolean; lines?: number }) =>
      bind(async () => (await import("../commands/logs.ts")).run)(words, options),
    );
  program
    .command("dumplog")
    .description("put the last output of processes away, with their state, in logs/*.dmp")
    .usage("[options] [server] <type> [instance]")
    .argument("<words...>", "a type; before it the server it is on, after it one instance's number")
    .addHelpText("after", examples(["castellan dumplog WEB 2", "castellan dumplog hades WEB"]))
    .action((words: string[]) => bind(async () => (await import("../commands/logs.ts")).dump)(words));
  program
    .command("audit")
    .description("show who changed what, when, from which host and by which command")
    .addOption(new Option("--since <time>", "begin so long ago: 30m, 1h, 7d").argParser(duration))
    .option("--by <user>", "only what this user did", textOf(64))
    .option("-n, --lines <count>", "how many of the last (default: 100)", wholeNumber(10_000))
    .addHelpText("after", examples(["castellan audit", "castellan audit --since 7d --by ann --json"]))
    .action((options: { since?: number; by?: string; lines?: number }) =>
      bind(async () => (await import("../commands/audit.ts")).run)(options),
    );
  program
    .command("test-events")
    .description("test whether what every server's sentinel publishes comes back to it")
    .addHelpText("after", examples(["castellan test-events", "castellan test-events --timeout 3"]))
    .action(() => bind(async () => (await import("../commands/test-events.ts")).run)());
};
