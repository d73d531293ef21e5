/** `swsvrmgr`, the original's grammar over the node's operations. */
import type { CommandVerb } from "@castellan/protocol";
import { type Bind, examples } from "../grammar/group.ts";
import { beginProgram, type Grammar } from "../program-base.ts";
import { anyCase } from "./any-case.ts";
import { addRefusals } from "./not-carried-over.ts";

type Words = readonly (string | undefined)[];

const OPERATIONS = [
  ["START", "start", "start what is enabled: all, a server, a type, or one"],
  ["RESTART", "restart", "revive what is suspended; what runs is stopped and started"],
  ["SHUTDOWN", "shutdown", "stop in reverse order: all, a server, a type, or one"],
  ["PAUSE", "pause", "let what is pausable stand still"],
  ["UNPAUSE", "unpause", "let what is paused go on"],
] as const satisfies readonly (readonly [string, CommandVerb, string])[];

export const swsvrmgr: Grammar = {
  read: anyCase,
  create(io, perform) {
    const { program, bind } = beginProgram("swsvrmgr", io, perform);
    program
      .description("Looks at a node's processes, starts and stops them. Commands and names in any case of letters.")
      .helpCommand(false)
      .addHelpText("after", examples(["swsvrmgr STATUS -v", "swsvrmgr START hades BG 3", "swsvrmgr SHUTDOWN -T 120"]));
    program
      .command("STATUS")
      .description("show the state of the system")
      .option("-v, --verbose", "one line for each process, too")
      .addHelpText("after", examples(["swsvrmgr STATUS", "swsvrmgr STATUS -v"]))
      .action((options: { verbose?: boolean }) =>
        bind(async () => (await import("./commands/status.ts")).run)(options.verbose ?? false),
      );
    for (const [name, verb, description] of OPERATIONS) {
      program
        .command(name)
        .description(description)
        .argument("[machine]", "only on this server: its name or its id")
        .argument("[process]", "only processes of this type")
        .argument("[instance]", "only this one")
        .addHelpText("after", examples([`swsvrmgr ${name}`, `swsvrmgr ${name} 1`, `swsvrmgr ${name} hades bg 3 -T 90`]))
        .action((...target: Words) =>
          bind(async () => (await import("./commands/operation.ts")).run)(verb, target.slice(0, 3)),
        );
    }
    addStartNew(program, bind);
    program
      .command("DUMPLOG")
      .description("put the last output of processes away, with their state, in logs/*.dmp")
      .argument("[machine]", "only on this server: its name or its id")
      .argument("[process]", "only processes of this type")
      .argument("[instance]", "only this one")
      .addHelpText("after", examples(["swsvrmgr DUMPLOG", "swsvrmgr DUMPLOG hades BG 3"]))
      .action((...target: Words) => bind(async () => (await import("./commands/dumplog.ts")).run)(target.slice(0, 3)));
    addRefusals(program, ["RESYNCTIME"]);
    return program;
  },
};

function addStartNew(program: Parameters<typeof addRefusals>[0], bind: Bind): void {
  program
    .command("START_NEW")
    .description("start temporary instances: they are gone once they are stopped")
    .argument("<machine>", "on this server: its name or its id")
    .argument("<process>", "of this type; they get the next numbers")
    .argument("[instances]", "how many (default: 1)")
    .addHelpText("after", examples(["swsvrmgr START_NEW hades bg", "swsvrmgr START_NEW 1 bg 2"]))
    .action((server: string, type: string, count?: string) =>
      bind(async () => (await import("./commands/operation.ts")).startNew)(server, type, count),
    );
}
