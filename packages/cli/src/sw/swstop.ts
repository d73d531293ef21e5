/** `swstop`: the processes of the whole node, at once or after a notice, or with -p this server's sentinels. */
import { CommanderError } from "commander";
import { examples, ofOwner } from "../grammar/group.ts";
import { beginProgram, type Grammar } from "../program-base.ts";

export const swstop: Grammar = {
  create(io, perform) {
    const { program, bind } = beginProgram("swstop", io, perform);
    return program
      .description("Stops the processes of the whole node, or with -p this server's sentinels.")
      .option("-p", "stop this server's sentinels; refused while processes run here")
      .option("-f [timeout]", "stop after a notice of so many seconds (default: 300); it can only be shortened")
      .addHelpText("after", examples(["swstop", "swstop -f 60", "swstop -p"]))
      .action(async ({ p = false, f = false }: { p?: boolean; f?: string | boolean }) => {
        if (p && f !== false) throw new CommanderError(2, "castellan.usage", "-p and -f: one at a time");
        if (p) await bind(ofOwner(async () => (await import("./commands/sentinels.ts")).stop))();
        else if (f === false) await bind(async () => (await import("./commands/stop.ts")).run)();
        else await bind(async () => (await import("./commands/stop.ts")).force)(f === true ? null : f);
      });
  },
};
