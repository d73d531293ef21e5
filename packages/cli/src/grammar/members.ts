/** Commands about the servers of the node, its master, and single instances. */
import { examples, type Group } from "./group.ts";

const server = () => import("../commands/server.ts");
const instance = () => import("../commands/process.ts");

const WORDS = [
  ["<server>", "its name or its id"],
  ["<type>", "its type"],
  ["<instance>", "its number"],
] as const;

export const addMembers: Group = (program, bind) => {
  const servers = program
    .command("server")
    .description("the servers of the node")
    .helpCommand(false)
    .addHelpText("after", examples(["castellan server list", "castellan server add zeus"]));
  servers
    .command("list")
    .description("list them")
    .addHelpText("after", examples(["castellan server list", "castellan server list --json"]))
    .action(() => bind(async () => (await server()).list)());
  servers
    .command("add")
    .description("make room for another one; it also comes by its own first `castellan up`")
    .argument("<name>", "its host name, or what its castellan.yaml calls it")
    .addHelpText("after", examples(["castellan server add zeus"]))
    .action((name: string) => bind(async () => (await server()).add)(name));
  servers
    .command("remove")
    .description("take one away, with all that is defined for it; not while its sentinel runs")
    .argument("<server>", "its name or its id")
    .addHelpText("after", examples(["castellan server remove zeus"]))
    .action((name: string) => bind(async () => (await server()).remove)(name));
  servers
    .command("move")
    .description("give its row, and all that is defined for it, another name")
    .argument("<server>", "its name or its id")
    .argument("<name>", "the new name")
    .addHelpText("after", examples(["castellan server move zeus zeus-b"]))
    .action((name: string, to: string) => bind(async () => (await server()).move)(name, to));

  const master = program
    .command("master")
    .description("which server is master, and making another one master")
    .helpCommand(false)
    .addHelpText("after", examples(["castellan master", "castellan master set zeus"]))
    .action(() => bind(async () => (await import("../commands/master.ts")).find)());
  master
    .command("set")
    .description("make a server master; foreground processes follow it in order")
    .argument("<server>", "its name or its id")
    .addHelpText("after", examples(["castellan master set zeus"]))
    .action((name: string) => bind(async () => (await import("../commands/master.ts")).set)(name));

  program
    .command("fence")
    .description("say that nothing runs on a lost server any more, so that it is started elsewhere")
    .argument("<server>", "its name or its id")
    .option("--confirmed", "you have made certain: it is switched off, or you have looked")
    .addHelpText("after", examples(["castellan fence zeus --confirmed"]))
    .action((name: string, options: { confirmed?: boolean }) =>
      bind(async () => (await import("../commands/fence.ts")).run)(name, options.confirmed ?? false),
    );

  const processes = program
    .command("process")
    .description("single instances: defined, enabled, taken away")
    .helpCommand(false)
    .addHelpText("after", examples(["castellan process add hades WEB", "castellan process disable hades WEB 2"]));
  processes
    .command("add")
    .description("define one more; it gets the next number, and is started if the node runs")
    .argument(...WORDS[0])
    .argument(...WORDS[1])
    .option("--disabled", "it does not start with the node")
    .addHelpText("after", examples(["castellan process add hades WEB", "castellan process add hades WEB --disabled"]))
    .action((name: string, type: string, options: { disabled?: boolean }) =>
      bind(async () => (await instance()).add)(name, type, options.disabled ?? false),
    );
  for (const [name, description] of [
    ["enable", "let one start with the node; revives one that was given up"],
    ["disable", "let one no longer start with the node; what runs goes on"],
    ["remove", "take one away; its number is not used again"],
  ] as const) {
    processes
      .command(name)
      .description(description)
      .argument(...WORDS[0])
      .argument(...WORDS[1])
      .argument(...WORDS[2])
      .addHelpText("after", examples([`castellan process ${name} hades WEB 2`]))
      .action((...words: string[]) => bind(async () => (await instance())[name])(words.slice(0, 3)));
  }
};
