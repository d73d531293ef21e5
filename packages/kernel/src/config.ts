/** Configuration files: YAML checked against a schema, every problem at once, each with its file and line. */
import { readFileSync } from "node:fs";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { CastellanError, ensureError, systemCode } from "./errors.ts";

export interface ConfigProblem {
  readonly file: string;
  readonly line: number | null;
  /** Path of the key, for example `types.WQS.ready.tcp`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

export class ConfigError extends CastellanError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super("CONFIG_INVALID", problems.map(formatProblem).join("\n"), { details: { problems } });
    this.problems = problems;
  }
}

function formatProblem({ file, line, path, message }: ConfigProblem): string {
  return `${file}${line === null ? "" : `:${line}`}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** Larger files are refused before they are parsed, bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Reads, parses and checks one file. Throws `ConfigError` naming every problem. */
export function loadConfigFile<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    const why: Readonly<Record<string, string>> = { ENOENT: "no such file", EISDIR: "is a directory, not a file" };
    const message = why[systemCode(thrown) ?? ""] ?? ensureError(thrown).message;
    throw new ConfigError([{ file, line: null, path: "", message }]);
  }
  return parseConfig(text, file, schema);
}

/** The same for text already in hand; `file` only names it in problems. */
export function parseConfig<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const problem = (line: number | null, path: string, message: string): ConfigProblem => ({
    file,
    line,
    path,
    message,
  });
  if (text.length > MAX_CONFIG_BYTES) {
    throw new ConfigError([problem(null, "", `larger than ${MAX_CONFIG_BYTES} bytes: is this the right file?`)]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const syntax = document.errors.map((error) => problem(lines.linePos(error.pos[0]).line, "", error.message));
  if (syntax.length > 0) throw new ConfigError(syntax);

  const lineOf = (path: readonly PropertyKey[]): number | null => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return null;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (thrown) {
    throw new ConfigError([problem(null, "", ensureError(thrown).message)]);
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap((issue): ConfigProblem[] => {
    if (issue.code !== "unrecognized_keys")
      return [problem(lineOf(issue.path), nameOf(issue.path), wordsFor(issue, value))];
    return issue.keys.map((key) => problem(lineOf([...issue.path, key]), nameOf([...issue.path, key]), "unknown key"));
  });
  throw new ConfigError(problems);
}

const nameOf = (path: readonly PropertyKey[]): string => path.map(String).join(".");

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a mapping (key: value)",
  record: "a mapping (key: value)",
  string: "text",
};

/** What a schema complains of, in the words of somebody who writes YAML. */
function wordsFor(issue: z.core.$ZodIssue, root: unknown): string {
  if (issue.code !== "invalid_type") return issue.message;
  const needed = KINDS[issue.expected];
  if (needed === undefined) return issue.message;
  const found = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    root,
  );
  if (found === undefined) return `is missing: ${needed} is needed here`;
  if (found === null) return `is empty: ${needed} is needed here`;
  if (needed === KINDS["string"] && (typeof found === "number" || typeof found === "boolean")) {
    return `text is needed here: write "${found}" in quotes`;
  }
  const kind = Array.isArray(found) ? KINDS["array"] : (KINDS[typeof found] ?? typeof found);
  return `${needed} is needed here, not ${kind}`;
}
