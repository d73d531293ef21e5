/** The command that brings a node to another release. */
import { examples, type Group, ofOwner } from "./group.ts";

export const addUpgrade: Group = (program, bind) => {
  program
    .command("upgrade")
    .description("bring the schema and the sentinels of the node to this release; processes run on")
    .option("--dry-run", "say what would be done; change nothing")
    .option("-y, --yes", "there is a backup that is not on record: migrate the schema all the same")
    .addHelpText(
      "after",
      examples(["castellan upgrade --dry-run", "castellan upgrade --yes", "castellan upgrade --json"]),
    )
    .action((options: { dryRun?: boolean; yes?: boolean }) =>
      bind(ofOwner(async () => (await import("../commands/upgrade.ts")).run))(options),
    );
};
