/** Configuration files: YAML checked against a schema, every problem at once, each with its file, line and column. */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, stringify, visit } from "yaml";
import type { z } from "zod";
import { meantIssues, wordsFor } from "./config-words.ts";
import { CastellanError, ensureError, systemCode } from "./errors.ts";
import { readSmallFileSync } from "./small-file.ts";
import { findUnfit } from "./yaml-guard.ts";

export interface ConfigProblem {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  /** Path of the key, for example `types.WQS.ready.tcp`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** More problems than this are counted only. */
const MAX_PROBLEMS = 50;

export class ConfigError extends CastellanError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const inOrder = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
    const shown = inOrder.slice(0, MAX_PROBLEMS);
    const more = problems.length > shown.length ? [`and ${problems.length - shown.length} more problems`] : [];
    super("CONFIG_INVALID", [...shown.map(formatProblem), ...more].join("\n"), { details: { problems: shown } });
    this.problems = shown;
  }
}

function formatProblem({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === null ? "" : column === null ? `:${line}` : `:${line}:${column}`;
  return `${file}${place}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** Larger files are refused before they are parsed, bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024;

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "cannot be read: access is denied",
  ELOOP: "is a symbolic link that leads to itself",
  NOT_A_FILE: "is not a regular file (a directory, a FIFO, a device): put a YAML file there",
  FILE_TOO_LARGE: `is larger than ${MAX_CONFIG_BYTES} bytes: is this the right file?`,
};

/** Reads, parses and checks one file. Throws `ConfigError` naming every problem. */
export function loadConfigFile<T>(file: string, schema: z.ZodType<T>): T {
  return parseConfig(readConfigText(file), file, schema);
}

/** The text of a file that is to be one of ours. Throws `ConfigError`. */
export function readConfigText(file: string): string {
  const refuse = (message: string, line: number | null = null): ConfigError =>
    new ConfigError([{ file, line, column: null, path: "", message }]);
  let bytes: Buffer;
  try {
    bytes = readSmallFileSync(file, MAX_CONFIG_BYTES);
  } catch (thrown) {
    const code = thrown instanceof CastellanError ? thrown.code : (systemCode(thrown) ?? "");
    throw refuse(UNREADABLE[code] ?? ensureError(thrown).message);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse("is not UTF-8: save it in that encoding", firstLineNotUtf8(bytes));
  }
}

function firstLineNotUtf8(bytes: Buffer): number {
  const before = bytes.toString("utf8").split("\ufffd", 1)[0] ?? "";
  return before.split("\n").length;
}

/** The same for text already in hand; `file` only names it in problems. */
export function parseConfig<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const lines = new LineCounter();
  const problemAt = (offset: number | null, path: string, message: string): ConfigProblem => {
    const place = offset === null ? null : lines.linePos(offset);
    return { file, line: place?.line ?? null, column: place?.col ?? null, path, message };
  };
  if (text.length > MAX_CONFIG_BYTES) throw new ConfigError([problemAt(null, "", UNREADABLE["FILE_TOO_LARGE"] ?? "")]);
  const unfit = findUnfit(text);
  if (unfit !== null) {
    lines.lineStarts = lineStartsOf(text);
    throw new ConfigError([problemAt(unfit.offset, "", unfit.message)]);
  }
  // Keys are compared below: the parser compares each with each.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  const syntax = [
    ...document.errors.map(({ pos, code, message }) => problemAt(pos[0], "", SYNTAX[code] ?? message)),
    ...document.warnings.map(({ pos, message }) => problemAt(pos[0], "", `${message}: plain YAML only, without tags`)),
    ...findOddKeys(document).map(({ offset, message }) => problemAt(offset, "", message)),
  ];
  if (syntax.length > 0) throw new ConfigError(syntax);

  const offsetOf = (path: readonly PropertyKey[], isKeyMeant = false): number | null => {
    for (let length = path.length; length >= 0; length -= 1) {
      const part = path.slice(0, length);
      const node = (isKeyMeant && keyAt(document, part)) || document.getIn(part, true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return null;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (thrown) {
    throw new ConfigError([
      problemAt(null, "", `${ensureError(thrown).message}: write it out instead of using aliases`),
    ]);
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap(meantIssues).flatMap((issue): ConfigProblem[] => {
    if (issue.code !== "unrecognized_keys") {
      const offset = offsetOf(issue.path, issue.code === "invalid_key");
      return [problemAt(offset, nameOf(issue.path), wordsFor(issue, value))];
    }
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return problemAt(offsetOf(path, true), nameOf(path), "unknown key");
    });
  });
  throw new ConfigError(problems);
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The parser's words where they speak to a programmer. */
const SYNTAX: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "a second document begins here (---): write one file for each",
  TAB_AS_INDENT: "a tab is used to indent: use blanks",
};

/** Keys that are written twice, that are no text, or that would not be an ordinary key of an object. */
function findOddKeys(document: Document): { offset: number; message: string }[] {
  const odd: { offset: number; message: string }[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const offset = isNode(key) && key.range ? key.range[0] : 0;
        const name = keyName(key);
        if (name === null) {
          odd.push({ offset, message: "a key must be a word: write `name: value`" });
          continue;
        }
        if (seen.has(name)) odd.push({ offset, message: `key "${name}" is written twice: take one out` });
        if (name === "__proto__") odd.push({ offset, message: "unknown key __proto__" });
        seen.add(name);
      }
    },
  });
  return odd;
}

/** A key as objects have it; null for one that they cannot have. */
function keyName(key: unknown): string | null {
  if (!isScalar(key)) return null;
  const { value } = key;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}

/** The key itself, where a path leads to a key of a mapping. */
function keyAt(document: Document, path: readonly PropertyKey[]): unknown {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return null;
  return parent.items.find(({ key }) => keyName(key) === String(last))?.key;
}

const nameOf = (path: readonly PropertyKey[]): string => path.map(String).join(".");

/** A value as the text of such a file. */
export const writeConfigText = (value: unknown): string => stringify(value, { lineWidth: 120 });

/** The text of such a file with one key set to `value`, on one line; its comments and all else stay. */
export function changeConfigText(text: string, key: string, value: unknown): string {
  const document = parseDocument(text, { logLevel: "error" });
  document.set(key, document.createNode(value, { flow: true }));
  return document.toString({ lineWidth: 0 });
}
