/** Commands about what should run. */
import { examples, type Group } from "./group.ts";

export const addConfiguration: Group = (program, bind) => {
  program.commandsGroup("What should run:");
  program
    .command("apply")
    .argument("<file>", "YAML with types and servers")
    .description("make process types and instances as a file says")
    .option("--dry-run", "show it, change nothing")
    .addHelpText("after", examples(["castellan apply types.yaml --dry-run", "castellan apply types.yaml"]))
    .action((file: string, options: { dryRun?: boolean }) =>
      bind(async () => (await import("../commands/apply.ts")).run)(file, options),
    );
};
