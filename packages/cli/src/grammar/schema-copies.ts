/** Commands that copy the schema: to another database, into a file, and back. */
import type { Command } from "commander";
import { type Bind, examples, ofOwner } from "./group.ts";

/** Below `castellan schema`. */
export function addMove(schema: Command, bind: Bind): void {
  schema
    .command("move")
    .description("copy it to another database, compare, and go on there; processes run on meanwhile")
    .argument("[url]", "of an empty database: postgres://USER@HOST:PORT/NAME, sqlite:PATH, ...")
    .option("--password-file <file>", "its first line is the password")
    .option("--cancel", "give up a move that was interrupted: the schema stays where it is")
    .addHelpText(
      "after",
      examples([
        "castellan schema move postgres://ips1@db:5432/ips1 --password-file etc/db.password",
        "castellan schema move --cancel",
      ]),
    )
    .action((url: string | undefined, options: { passwordFile?: string; cancel?: boolean }) =>
      bind(ofOwner(async () => (await import("../commands/schema-move.ts")).run))(url, options),
    );
}

export function addBackups(program: Command, bind: Bind): void {
  program
    .command("backup")
    .description("write the schema into a file, as it is at one moment; the node may run")
    .argument("<file>", "a new file")
    .option("--verify", "read such a file instead, and say whether it is whole")
    .addHelpText(
      "after",
      examples(["castellan backup /backup/ips1.backup", "castellan backup --verify /backup/ips1.backup"]),
    )
    .action((file: string, options: { verify?: boolean }) =>
      bind(async () => (await import("../commands/backup.ts")).run)(file, options),
    );
  program
    .command("restore")
    .description("make the schema what such a file holds, while no sentinel runs")
    .argument("<file>", "as `backup` writes it")
    .option("--replace", "forget what the schema holds now")
    .addHelpText(
      "after",
      examples([
        "castellan init --files-only --node ips1 --server hades && castellan restore /backup/ips1.backup",
        "castellan restore /backup/ips1.backup --replace",
      ]),
    )
    .action((file: string, options: { replace?: boolean }) =>
      bind(ofOwner(async () => (await import("../commands/restore.ts")).run))(file, options),
    );
}
