/** Commands that start and stop processes. */
import { examples, type Group } from "./group.ts";

const OPERATIONS = [
  ["start", "start", "start what is enabled: all, a server, a type, or one"],
  ["stop", "shutdown", "stop in reverse order: all, a server, a type, or one"],
  ["restart", "restart", "stop and start again; also revives what is suspended"],
] as const;

export const addOperations: Group = (program, bind) => {
  program.commandsGroup("Processes:");
  for (const [name, verb, description] of OPERATIONS) {
    program
      .command(name)
      .description(description)
      .argument("[server]", "only on this server")
      .argument("[type]", "only processes of this type")
      .argument("[instance]", "only this one")
      .addHelpText("after", examples([`castellan ${name}`, `castellan ${name} hades`, `castellan ${name} hades WEB 2`]))
      .action((...target: (string | undefined)[]) =>
        bind(async () => (await import("../commands/operation.ts")).run)(verb, target.slice(0, 3)),
      );
  }
};
