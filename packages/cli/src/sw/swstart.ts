/** `swstart`: the processes of the whole node, or with -p this server's sentinels. */
import { examples, ofOwner } from "../grammar/group.ts";
import { beginProgram, type Grammar } from "../program-base.ts";
import { notCarriedOver } from "./not-carried-over.ts";

export const swstart: Grammar = {
  create(io, perform) {
    const { program, bind } = beginProgram("swstart", io, perform);
    return program
      .description("Starts the processes of the whole node, or with -p this server's sentinels.")
      .option("-p", "start this server's sentinels; PM_AUTO_BOOT says whether they start the processes")
      .option("-q", "quick start: not carried over")
      .addHelpText("after", examples(["swstart -p", "swstart", "swstart -T 300"]))
      .action(async ({ p = false, q = false }: { p?: boolean; q?: boolean }) => {
        if (q) throw notCarriedOver("swstart -q");
        if (p) await bind(ofOwner(async () => (await import("./commands/sentinels.ts")).start))();
        else await bind(async () => (await import("./commands/operation.ts")).run)("start", []);
      });
  },
};
