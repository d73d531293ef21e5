/** Commands about what should run. */
import { examples, type Group } from "./group.ts";

export const addConfiguration: Group = (program, bind) => {
  program.commandsGroup("What should run:");
  program
    .command("apply")
    .argument("<file>", "YAML with types, servers and queues")
    .description("make process types, instances and queues as a file says")
    .option("--dry-run", "show it, change nothing")
    .addHelpText("after", examples(["castellan apply types.yaml --dry-run", "castellan apply types.yaml"]))
    .action((file: string, options: { dryRun?: boolean }) =>
      bind(async () => (await import("../commands/apply.ts")).run)(file, options),
    );
  const config = program
    .command("config")
    .description("the whole configuration as one file")
    .helpCommand(false)
    .addHelpText(
      "after",
      examples(["castellan config export node.yaml", "castellan config import node.yaml --dry-run"]),
    );
  config
    .command("export")
    .description("write servers, types, instances, queues and attributes")
    .argument("[file]", "a new file (default: print it)")
    .addHelpText("after", examples(["castellan config export node.yaml", "castellan config export | less"]))
    .action((file?: string) => bind(async () => (await import("../commands/config.ts")).exportTo)(file));
  config
    .command("import")
    .description("make servers, types, instances, queues and attributes as such a file says")
    .argument("<file>", "as `config export` writes it")
    .option("--dry-run", "show it, change nothing")
    .addHelpText(
      "after",
      examples(["castellan config import node.yaml --dry-run", "castellan config import node.yaml"]),
    )
    .action((file: string, options: { dryRun?: boolean }) =>
      bind(async () => (await import("../commands/config.ts")).importFrom)(file, options),
    );
  program
    .command("plan")
    .description("show what start, stop, restart ... would do, and do nothing")
    .argument("<command>", "start, stop, restart, pause or resume")
    .argument("[server]", "only on this server")
    .argument("[type]", "only processes of this type")
    .argument("[instance]", "only this one")
    .addHelpText(
      "after",
      examples(["castellan plan start", "castellan plan stop hades", "castellan plan restart hades WEB 2 --json"]),
    )
    .action((word: string, ...target: (string | undefined)[]) =>
      bind(async () => (await import("../commands/plan.ts")).run)(word, target.slice(0, 3)),
    );
};
