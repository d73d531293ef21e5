/** The command that looks inside a sentinel. */
import { examples, type Group } from "./group.ts";

export const addActors: Group = (program, bind) => {
  program
    .command("actors")
    .description("show what runs inside a server's sentinel: the live actors, restarts, messages waiting, dead letters")
    .argument("<server>")
    .addHelpText("after", examples(["castellan actors hades", "castellan actors hades --json"]))
    .action((server: string) => bind(async () => (await import("../commands/actors.ts")).run)(server));
};
