/** Commands about this server and its home. */
import { examples, type Group } from "./group.ts";

export const addNode: Group = (program, bind) => {
  program.commandsGroup("This server:");
  program
    .command("init")
    .description("make a home with files that explain themselves")
    .argument("[dir]", "where (default: the home)")
    .addHelpText("after", examples(["castellan init", "castellan init /srv/ips1"]))
    .action((directory: string | undefined) => bind(async () => (await import("../commands/init.ts")).run)(directory));
  program
    .command("up")
    .description("bring this server up; Ctrl-C takes it down again")
    .option("--bare", "a new home begins empty, without the example processes")
    .option("--example <dir>", "what a new home begins with instead: types.yaml, fspart, programs/")
    .option("-d, --detach", "return once the node runs; it goes on")
    .addHelpText("after", examples(["castellan up", "castellan up --bare --home /srv/ips1 --detach"]))
    .action((options: { example?: string; bare?: boolean; detach?: boolean }) =>
      bind(async () => (await import("../commands/up.ts")).run)(options),
    );
  program
    .command("down")
    .description("stop all processes in order, then this server's sentinel")
    .addHelpText("after", examples(["castellan down", "castellan down --timeout 60"]))
    .action(() => bind(async () => (await import("../commands/down.ts")).run)());
  program
    .command("doctor")
    .description("look whether this server has what it needs; say what to do")
    .addHelpText("after", examples(["castellan doctor", "castellan doctor --json"]))
    .action(() => bind(async () => (await import("../commands/doctor.ts")).run)());
};
