/** Commands that bring a server to its node, and take it away. */
import type { Command } from "commander";
import type { InstallOptions } from "../installation/options.ts";
import { examples, type Group, ofOwner } from "./group.ts";

const DATABASE = "--database postgres://castellan@db/ips1 --password-file db.password";

const installed = (command: Command): Command =>
  command
    .argument("[dir]", "its home (default: the home)")
    .option("--node <name>", "the node's name (default: castellan; when it joins, that of the node)")
    .option("--server <name>", "this server's name (default: the host's)")
    .option("--database <url>", "where the shared schema is (default: SQLite in the home)")
    .option("--password-file <file>", "holds the password of the database's user")
    .option("--listen <host:port>", "where the others reach the NATS server that is kept here")
    .option("--cluster <host:port>", "where the NATS servers of the node meet")
    .option("--bus <url>", "a NATS server or cluster that you keep yourselves, instead")
    .option("--trust <dir>", "certificates of this server, as `castellan cert issue` wrote them");

export const addInstallation: Group = (program, bind) => {
  program.commandsGroup("Installing:");
  installed(program.command("init"))
    .description("install the first server of a node: its home, and the shared schema")
    .option("--files-only", "make the home alone; the first `castellan up` makes the schema")
    .option("--plain", "with --listen: nobody shows a certificate, and everybody is let in (default: mutual TLS)")
    .addHelpText(
      "after",
      examples([
        "castellan init /srv/ips1",
        `castellan init /srv/ips1 ${DATABASE}`,
        "castellan init --database mssql://castellan@db/ips1 --listen hades:4222 --cluster hades:6222",
      ]),
    )
    .action((directory: string | undefined, options: InstallOptions & { filesOnly?: boolean; plain?: boolean }) =>
      bind(async () => (await import("../commands/init.ts")).run)(directory, options),
    );
  installed(program.command("join"))
    .description("install another server of a node that is there")
    .addHelpText(
      "after",
      examples([
        `castellan join /srv/ips1 ${DATABASE}`,
        "castellan join --listen zeus:4222 --cluster zeus:6222 --trust certificates",
      ]),
    )
    .action((directory: string | undefined, options: InstallOptions) =>
      bind(async () => (await import("../commands/join.ts")).run)(directory, options),
    );
  program
    .command("reload")
    .description("let the sentinels of this home go by castellan.yaml as it is now; processes go on")
    .addHelpText("after", examples(["castellan reload"]))
    .action(() => bind(ofOwner(async () => (await import("../commands/reload.ts")).run))());
  program
    .command("leave")
    .description("take this server, a slave, out of its node; its home stays")
    .addHelpText("after", examples(["castellan leave", "castellan leave --home /srv/ips1"]))
    .action(() => bind(ofOwner(async () => (await import("../commands/leave.ts")).run))());
  program
    .command("uninstall")
    .description("remove what was installed here: slaves first, then the master, then the schema")
    .option("-y, --yes", "without asking")
    .option("--schema", "the shared schema too; when no other server is left")
    .option("--purge", "the whole home, with logs and process types")
    .addHelpText("after", examples(["castellan uninstall", "castellan uninstall --schema --purge --yes"]))
    .action((options: { yes?: boolean; schema?: boolean; purge?: boolean }) =>
      bind(ofOwner(async () => (await import("../commands/uninstall.ts")).run))(options),
    );
};
