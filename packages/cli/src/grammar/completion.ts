/** Completion of words in a shell. */
import { Command } from "commander";
import { examples, type Group } from "./group.ts";

export const addCompletion: Group = (program, bind) => {
  program.commandsGroup("This program:");
  program.addHelpCommand(
    new Command("help").argument("[command]").description("print help").helpGroup("This program:"),
  );
  program
    .command("completion")
    .description("print a shell's completion of commands and names")
    .argument("<shell>", "bash, zsh or fish")
    .addHelpText(
      "after",
      examples([
        "source <(castellan completion bash)",
        "castellan completion fish > ~/.config/fish/completions/castellan.fish",
      ]),
    )
    .action((shell: string) => bind(async () => (await import("../commands/completion.ts")).run)(shell));
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action((words: string[]) => bind(async () => (await import("../commands/complete.ts")).run)(program, words));
};
