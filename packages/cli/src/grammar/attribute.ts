/** `castellan attribute ...`: settings in the shared schema, taken up without a restart. */
import { examples, type Group } from "./group.ts";

export const addAttributes: Group = (program, bind) => {
  const attributes = program
    .command("attribute")
    .description("settings of the node, a server, a type or an instance")
    .helpCommand(false)
    .addHelpText("after", examples(["castellan attribute list", "castellan attribute set PROCESS_MAX_RESTARTS 10"]));
  attributes
    .command("set")
    .description("set one; it is taken up within seconds, without a restart")
    .argument("<name>", "for example PROCESS_MAX_RESTARTS; `castellan attribute list all` shows them all")
    .argument("<value>", "a whole number")
    .argument("[server]", "only on this server; all = on every one")
    .argument("[type]", "only for processes of this type")
    .argument("[instance]", "only for this one")
    .addHelpText(
      "after",
      examples([
        "castellan attribute set PROCESS_MAX_RESTARTS 10",
        "castellan attribute set PROCESS_AUTO_RESTARTS 0 all WEB",
        "castellan attribute set CHECK_ERROR_FILES 0 hades",
      ]),
    )
    .action((name: string, value: string, ...target: (string | undefined)[]) =>
      bind(async () => (await import("../commands/attribute.ts")).set)(name, value, target.slice(0, 3)),
    );
  attributes
    .command("unset")
    .description("take a setting back: the next less specific one holds again")
    .argument("<name>", "of the attribute")
    .argument("[server]", "as it was set")
    .argument("[type]", "as it was set")
    .argument("[instance]", "as it was set")
    .addHelpText("after", examples(["castellan attribute unset PROCESS_AUTO_RESTARTS all WEB"]))
    .action((name: string, ...target: (string | undefined)[]) =>
      bind(async () => (await import("../commands/attribute.ts")).unset)(name, target.slice(0, 3)),
    );
  attributes
    .command("list")
    .description("what is set; for a target everything that holds there, and where it is set")
    .argument("[server]", "what holds on this server; all = in the node")
    .argument("[type]", "for this type")
    .argument("[instance]", "for this one")
    .addHelpText("after", examples(["castellan attribute list", "castellan attribute list hades WEB 2 --json"]))
    .action((...target: (string | undefined)[]) =>
      bind(async () => (await import("../commands/attribute.ts")).list)(target.slice(0, 3)),
    );
};
