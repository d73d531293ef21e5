/** Commands that start and stop processes. */
import { examples, type Group, wholeNumber } from "./group.ts";

const notice = wholeNumber(86_400);

const OPERATIONS = [
  ["start", "start", "start what is enabled: all, a server, a type, or one"],
  ["stop", "shutdown", "stop in reverse order: all, a server, a type, or one"],
  ["restart", "restart", "stop and start again, one by one; revives what is suspended"],
  ["pause", "pause", "let what is pausable stand still: all, a server, a type, or one"],
  ["resume", "unpause", "let what is paused go on: all, a server, a type, or one"],
] as const;

export const addOperations: Group = (program, bind) => {
  program.commandsGroup("Processes:");
  for (const [name, verb, description] of OPERATIONS) {
    const command = program
      .command(name)
      .description(description)
      .argument("[server]", "only on this server")
      .argument("[type]", "only processes of this type")
      .argument("[instance]", "only this one")
      .addHelpText(
        "after",
        examples([`castellan ${name}`, `castellan ${name} hades`, `castellan ${name} hades WEB 2`]),
      );
    if (name === "stop") {
      command.option("--notice <seconds>", "the whole node, after this notice; it can only be shortened", notice);
    }
    command.action((server?: string, type?: string, instance?: string, options: { readonly notice?: number } = {}) =>
      options.notice === undefined
        ? bind(async () => (await import("../commands/operation.ts")).run)(verb, [server, type, instance])
        : bind(async () => (await import("../commands/stop-later.ts")).run)(options.notice, server),
    );
  }
  program
    .command("start-new")
    .description("start temporary instances: they are gone once they are stopped")
    .argument("<server>", "on this server")
    .argument("<type>", "of this type; they get the next numbers")
    .argument("[count]", "how many (default: 1)")
    .addHelpText("after", examples(["castellan start-new hades WEB", "castellan start-new hades WEB 3"]))
    .action((server: string, type: string, count?: string) =>
      bind(async () => (await import("../commands/operation.ts")).startNew)(server, type, count),
    );
};
