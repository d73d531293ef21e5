/** Commands about the schema that the servers of a node share. */
import { Option } from "commander";
import { examples, type Group, wholeNumber } from "./group.ts";
import { addBackups, addMove } from "./schema-copies.ts";

const DIALECTS = ["sqlite", "postgres", "mssql", "oracle"] as const;

interface PrintOptions {
  readonly dialect: (typeof DIALECTS)[number];
  readonly from?: number;
}

export const addSchema: Group = (program, bind) => {
  program.commandsGroup("Where it is kept:");
  const schema = program
    .command("schema")
    .description("the tables that the servers of a node share")
    .helpCommand(false)
    .addHelpText("after", examples(["castellan schema print --dialect postgres"]));
  schema
    .command("print")
    .description("print the SQL that makes them, for a person to review and run; changes nothing")
    .addOption(new Option("--dialect <name>", "of which database").choices(DIALECTS).makeOptionMandatory())
    .addOption(
      new Option(
        "--from <version>",
        "only what follows this version of the schema (default: 0, there is none)",
      ).argParser(wholeNumber(999_999_999)),
    )
    .addHelpText(
      "after",
      examples([
        "castellan schema print --dialect postgres > schema.sql",
        "castellan schema print --dialect postgres --from 1 --json",
      ]),
    )
    .action((options: PrintOptions) => bind(async () => (await import("../commands/schema-print.ts")).run)(options));
  addMove(schema, bind);
  addBackups(program, bind);
};
