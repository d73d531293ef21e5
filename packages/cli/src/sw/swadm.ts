/** `swadm`, the original's grammar over the shared configuration: servers, processes, attributes, the master. */
import type { Command } from "commander";
import { type Bind, examples } from "../grammar/group.ts";
import { beginProgram, type Grammar } from "../program-base.ts";
import { anyCase } from "./any-case.ts";
import { addRefusals } from "./not-carried-over.ts";

export const swadm: Grammar = {
  read: anyCase,
  create(io, perform) {
    const { program, bind } = beginProgram("swadm", io, perform);
    program
      .description("Changes what should run, and where. Commands and names in any case of letters.")
      .helpCommand(false)
      .addHelpText("after", examples(["swadm show_servers", "swadm add_process hades bg Y", "swadm set_master zeus"]));
    addServers(program, bind);
    addProcesses(program, bind);
    addAttributes(program, bind);
    addWholeNode(program, bind);
    addRefusals(program, ["ADD_RANGE", "MOD_RANGE", "DEL_RANGE", "SET_RANGE", "SHOW_RANGES", "SHOW_PORTS"]);
    addRefusals(program, ["tidy_instances"]);
    return program;
  },
};

const MACHINE = ["<machine>", "a server: its name or its id"] as const;
const servers = () => import("./commands/servers.ts");
const processes = () => import("./commands/processes.ts");
const attributes = () => import("./commands/attributes.ts");
const master = () => import("./commands/master.ts");
const config = () => import("../commands/config.ts");

/** A command with its example lines. */
function add(program: Command, name: string, description: string, lines: readonly string[]): Command {
  return program
    .command(name)
    .description(description)
    .addHelpText("after", examples(lines.map((line) => `swadm ${line}`)));
}

function addServers(program: Command, bind: Bind): void {
  program.commandsGroup("Servers:");
  add(program, "show_servers", "list the servers", ["show_servers", "show_servers --json"]).action(() =>
    bind(async () => (await servers()).show)(),
  );
  add(program, "add_server", "make room for another server; it joins with its first start", ["add_server zeus"])
    .argument("<name>", "its host name, or what its castellan.yaml calls it")
    .action((name: string) => bind(async () => (await servers()).add)(name));
  add(program, "delete_server", "take a server away, with all that is defined for it", ["delete_server zeus"])
    .argument(...MACHINE)
    .action((machine: string) => bind(async () => (await servers()).remove)(machine));
  add(program, "move_server", "give a server's row and all that is defined for it another name", [
    "move_server 2 zeus-b",
  ])
    .argument(...MACHINE)
    .argument("<name>", "the new name")
    .action((machine: string, name: string) => bind(async () => (await servers()).move)(machine, name));
  add(program, "set_check_errors", "whether a server looks for error and warning files", ["set_check_errors 2 N"])
    .argument(...MACHINE)
    .argument("<check>", "Y or N")
    .action((machine: string, check: string) => bind(async () => (await servers()).setCheckErrors)(machine, check));
}

function addProcesses(program: Command, bind: Bind): void {
  program.commandsGroup("Processes:");
  add(program, "show_processes", "list the defined processes", ["show_processes", "show_processes -m1 -pbg -i3"])
    .option("-m <machine>", "only of this server: its name or its id")
    .option("-p <process>", "only of this type")
    .option("-i <instance>", "only this one")
    .action((options: { m?: string; p?: string; i?: string }) =>
      bind(async () => (await processes()).show)([options.m, options.p, options.i]),
    );
  add(program, "add_process", "define one more instance of a type; it gets the next number", [
    "add_process server2 bg Y",
  ])
    .argument(...MACHINE)
    .argument("<process>", "its type")
    .argument("<enabled>", "Y: it starts with the node, N: only by hand")
    .action((machine: string, type: string, enabled: string) =>
      bind(async () => (await processes()).add)(machine, type, enabled),
    );
  for (const [name, key, description] of [
    ["enable_process", "enable", "let an instance start with the node"],
    ["disable_process", "disable", "keep an instance's definition, but do not start it"],
    ["delete_process", "remove", "take an instance away; its number is not used again"],
  ] as const) {
    add(program, name, description, [`${name} 2 bg 4`])
      .argument(...MACHINE)
      .argument("<process>", "its type")
      .argument("<instance>", "its number")
      .action((machine: string, type: string, instance: string) =>
        bind(async () => (await processes())[key])(machine, type, instance),
      );
  }
}

/** Where an attribute is set. */
const place = (command: Command): Command =>
  command
    .argument("<machine>", "a server: its name or its id; 0 = every one")
    .argument("<process>", "a type; ALL = every one")
    .argument("<instance>", "a number; 0 = every one");

function addAttributes(program: Command, bind: Bind): void {
  program.commandsGroup("Attributes:");
  add(program, "show_all_attributes", "list what is set; defaults are not listed", [
    "show_all_attributes",
    "show_all_attributes PROCESS_MAX_RESTARTS",
  ])
    .argument("[attribute]", "only this one")
    .action((name?: string) => bind(async () => (await attributes()).show)(name));
  place(add(program, "set_attribute", "set one", ["set_attribute 0 ALL 0 PROCESS_MAX_RESTARTS 10"]))
    .argument("<attribute>", "its name")
    .argument("<value>", "a whole number")
    .action((...words: string[]) => bind(async () => (await attributes()).set)(words.slice(0, 5)));
  place(add(program, "delete_attribute", "take a setting back", ["delete_attribute 1 BG 3 PROCESS_AUTO_RESTARTS"]))
    .argument("<attribute>", "its name")
    .action((...words: string[]) => bind(async () => (await attributes()).unset)(words.slice(0, 4)));
}

function addWholeNode(program: Command, bind: Bind): void {
  program.commandsGroup("The node:");
  add(program, "find_master", "tell which server is master", ["find_master"]).action(() =>
    bind(async () => (await master()).find)(),
  );
  add(program, "set_master", "make a server master; foreground processes follow it", ["set_master zeus"])
    .argument(...MACHINE)
    .action((machine: string) => bind(async () => (await master()).set)(machine));
  add(program, "export_config", "write the whole configuration into one file", ["export_config node.yaml"])
    .alias("EXPORT_IPE_CONFIG")
    .argument("[file]", "a new file (default: print it)")
    .action((file?: string) => bind(async () => (await config()).exportTo)(file));
  add(program, "import_config", "make the configuration as such a file says", ["import_config node.yaml --dry-run"])
    .alias("IMPORT_IPE_CONFIG")
    .argument("<file>", "as export_config writes it")
    .option("--dry-run", "show it, change nothing")
    .action((file: string, options: { dryRun?: boolean }) =>
      bind(async () => (await config()).importFrom)(file, options),
    );
  add(program, "evloopback", "test whether events come back from every server's sentinel", ["evloopback"]).action(() =>
    bind(async () => (await import("./commands/evloopback.ts")).run)(),
  );
}
