/** The migrations as a script that a person reviews and runs, from the same texts that a program runs. */
import { CastellanError } from "@castellan/kernel";
import { dialects } from "./dialects/all.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { type ScriptWords, scriptWords } from "./dialects/script.ts";
import type { Step } from "./steps.ts";
import { SCHEMA_VERSION } from "./version.ts";

export type DialectName = Dialect["name"];

export interface SchemaScript {
  readonly dialect: DialectName;
  /** The version that the schema must have; 0 = none. */
  readonly from: number;
  readonly to: number;
  /** Each with the statement that records it. */
  readonly steps: readonly Step[];
  /** All of it, to be run with the database's own tool. */
  readonly text: string;
}

/** Throws `USAGE` for a version that there is not. */
export async function schemaScript(name: DialectName, from: number): Promise<SchemaScript> {
  if (from > SCHEMA_VERSION)
    throw new CastellanError(
      "USAGE",
      `there is no version ${from}: the newest this program knows is ${SCHEMA_VERSION}`,
    );
  const dialect = dialects.find((one) => one.name === name);
  if (dialect === undefined) throw new CastellanError("USAGE", `${name} is not served`);
  const words = scriptWords[name];
  const { recordOf, stepsFrom } = await import("./steps.ts"); // loads TypeORM
  const steps = (await stepsFrom(dialect, from)).map((step) => ({
    ...step,
    statements: [...step.statements, recordOf(dialect, step, words.now)],
  }));
  return { dialect: name, from, to: SCHEMA_VERSION, steps, text: textOf(dialect, words, from, steps) };
}

function textOf(dialect: Dialect, words: ScriptWords, from: number, steps: readonly Step[]): string {
  const ended = (statement: string): string => (statement.endsWith(words.end) ? statement : `${statement}${words.end}`);
  const lines = [
    `Castellan's schema on ${words.product}: from ${from === 0 ? "nothing" : `version ${from}`} to version ${SCHEMA_VERSION}.`,
    ...(steps.length === 0 ? ["There is nothing to do."] : [`Run it once: ${words.run}`, words.again]),
    ...(words.grants.length === 0
      ? []
      : [
          "An account that runs a node (here: ips1) needs no more than:",
          ...words.grants.flatMap((grant) => `${grant};`.split("\n")).map((line) => `  ${line}`),
        ]),
  ].map((line) => `-- ${line}`);
  if (steps.length === 0) return `${lines.join("\n")}\n`;
  const body = [...words.head, ...dialect.beginMigration.map(ended)];
  for (const { version, name, statements } of steps)
    body.push(`\n-- version ${version}: ${name}`, ...statements.map(ended));
  return `${[...lines, "", ...body, "", ended(words.commit)].join("\n")}\n`;
}
