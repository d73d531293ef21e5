/** `castellan cert ...`: whom the servers of a node believe. */
import { Argument, InvalidArgumentError } from "commander";
import type { CertOptions, IssueOptions } from "../commands/cert.ts";
import { examples, type Group, ofOwner } from "./group.ts";

/** As `@castellan/trust` has steps for; it is not loaded for help. */
const STEPS = ["begin", "switch", "finish"] as const;
const MOST_DAYS = 3650;

function days(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= MOST_DAYS) return count;
  throw new InvalidArgumentError(`write a number of days from 1 to ${MOST_DAYS}.`);
}

function address(text: string, before: readonly string[] = []): readonly string[] {
  if (/^[\w.:-]{1,253}$/.test(text)) return [...before, text];
  throw new InvalidArgumentError("write a host name or an IP address.");
}

function bearerName(text: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError("write a server's name: lower-case letters, digits, - and _.");
}

export const addCertificates: Group = (program, bind) => {
  program.commandsGroup("Trust:");
  const cert = program
    .command("cert")
    .description("the node's authority, and the certificates by which its servers know each other")
    .helpCommand(false)
    .addHelpText(
      "after",
      examples(["castellan cert show", "castellan cert issue zeus --address 10.0.0.6 --out /tmp/zeus"]),
    );
  cert
    .command("init")
    .description("make the node's authority in this home, and a certificate for each server of it")
    .option(
      "--address <address>",
      "how the others reach this server (default: as castellan.yaml says); may be repeated",
      address,
    )
    .option("--days <n>", "how long a certificate is valid (default: 365)", days)
    .addHelpText("after", examples(["castellan cert init", "castellan cert init --address hades --address 10.0.0.5"]))
    .action((options: CertOptions) => bind(ofOwner(async () => (await import("../commands/cert.ts")).init))(options));
  cert
    .command("issue")
    .description("issue a certificate for another host, into a directory to carry there")
    .argument("<name>", "of the server", bearerName)
    .requiredOption("--out <dir>", "where to put what is to be carried there; keep it secret")
    .option("--address <address>", "how the others reach it (default: as the last one says); may be repeated", address)
    .option("--client", "for a program that uses the bus and is no server")
    .option("--days <n>", "how long it is valid (default: 365)", days)
    .addHelpText(
      "after",
      examples([
        "castellan cert issue zeus --address zeus --address 10.0.0.6 --out /tmp/zeus",
        "castellan cert issue monitoring --client --out /tmp/monitoring",
      ]),
    )
    .action((name: string, options: IssueOptions) =>
      bind(ofOwner(async () => (await import("../commands/cert.ts")).issue))(name, options),
    );
  cert
    .command("install")
    .description("take what was issued for this server into its home; a running server uses it within seconds")
    .argument("<dir>", "as `castellan cert issue` has written it")
    .addHelpText("after", examples(["castellan cert install /tmp/zeus"]))
    .action((directory: string) => bind(ofOwner(async () => (await import("../commands/cert.ts")).install))(directory));
  cert
    .command("renew")
    .description("issue the certificates of this home anew, where the authority is; nothing is interrupted")
    .option("--days <n>", "how long they are valid (default: 365)", days)
    .addHelpText("after", examples(["castellan cert renew", "castellan cert renew --days 90"]))
    .action((options: CertOptions) => bind(ofOwner(async () => (await import("../commands/cert.ts")).renew))(options));
  cert
    .command("rotate")
    .description(
      "exchange the authority: begin (both are believed), switch (the new one issues), finish (the old one is forgotten)",
    )
    .addArgument(new Argument("<step>", "after each, carry certificates to the other hosts").choices(STEPS))
    .addHelpText(
      "after",
      examples(["castellan cert rotate begin", "castellan cert rotate switch", "castellan cert rotate finish"]),
    )
    .action((step: (typeof STEPS)[number]) =>
      bind(ofOwner(async () => (await import("../commands/cert.ts")).rotate))(step),
    );
  cert
    .command("record")
    .description("let a node that is down go by the certificates that castellan.yaml names now")
    .addHelpText("after", examples(["castellan cert record"]))
    .action(() => bind(async () => (await import("../commands/cert-record.ts")).run)());
  cert
    .command("show")
    .description("whom this home believes and who its servers are, until when; what is wrong with it")
    .addHelpText("after", examples(["castellan cert show", "castellan cert show --json"]))
    .action(() => bind(async () => (await import("../commands/cert-show.ts")).run)());
};
