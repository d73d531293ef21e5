/** Commands about this server and its home. */
import { InvalidArgumentError } from "commander";
import { examples, type Group, ofOwner } from "./group.ts";

/** As `new-cluster.ts` has names for; it is not loaded for help. */
const MOST_SERVERS = 9;

function epochNumber(text: string): number {
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("write a whole number; the alert of the sentinels names the least one.");
}

function countOfServers(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 2 && count <= MOST_SERVERS) return count;
  throw new InvalidArgumentError(`write a number of servers from 2 to ${MOST_SERVERS}; without it there is one.`);
}

export const addNode: Group = (program, bind) => {
  program.commandsGroup("This server:");
  program
    .command("up")
    .description("bring up the server, or the servers, of this home; Ctrl-C takes them down again")
    .option("--bare", "a new home begins empty, without the example processes")
    .option("--example <dir>", "what a new home begins with instead: types.yaml, fspart, programs/")
    .option("--servers <n>", "a new home is a cluster of n servers on this machine, for trying out", countOfServers)
    .option("-d, --detach", "return once the node runs; it goes on")
    .addHelpText(
      "after",
      examples([
        "castellan up",
        "castellan up --servers 3 --home /tmp/three",
        "castellan up --bare --home /srv/ips1 --detach",
      ]),
    )
    .action((options: { example?: string; bare?: boolean; detach?: boolean; servers?: number }) =>
      bind(ofOwner(async () => (await import("../commands/up.ts")).run))(options),
    );
  program
    .command("down")
    .description("stop all processes in order, then the sentinels of this home")
    .addHelpText("after", examples(["castellan down", "castellan down --timeout 60"]))
    .action(() => bind(ofOwner(async () => (await import("../commands/down.ts")).run))());
  program
    .command("doctor")
    .description("look whether this server has what it needs; say what to do")
    .addHelpText("after", examples(["castellan doctor", "castellan doctor --json"]))
    .action(() => bind(async () => (await import("../commands/doctor.ts")).run)());
  program
    .command("recover")
    .description("let a node go on whose database has forgotten its last changes of master")
    .requiredOption("--epoch <n>", "greater than any the sentinels have seen; their alert names it", epochNumber)
    .addHelpText("after", examples(["castellan recover --epoch 18"]))
    .action((options: { epoch: number }) => bind(async () => (await import("../commands/recover.ts")).run)(options));
};
