/** What a schema complains of, as the writer of a YAML file needs to hear it. */
import type { z } from "zod";

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a mapping (key: value)",
  record: "a mapping (key: value)",
  string: "text",
};

/** Of a value that may be one of several things, the complaints about the one that it is most like. */
export function meantIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const [best] = issue.errors.toSorted((a, b) => strangeness(a) - strangeness(b));
  if (best === undefined || best.every((one) => one.code === "invalid_type" && one.path.length === 0)) return [issue];
  return best.flatMap((one) => meantIssues({ ...one, path: [...issue.path, ...one.path] }));
}

const strangeness = (issues: readonly z.core.$ZodIssue[]): number =>
  issues.reduce((sum, { code, path }) => {
    if (code === "unrecognized_keys") return sum + 100;
    return sum + (code === "invalid_type" && path.length === 0 ? 1000 : 1);
  }, 0);

/** What a schema complains of, in the words of somebody who writes YAML. */
export function wordsFor(issue: z.core.$ZodIssue, root: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return typeWords(issue, root);
    case "invalid_key":
      return issue.issues[0]?.message ?? issue.message;
    case "invalid_value":
      return `write ${issue.values.length === 1 ? "" : "one of "}${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return `write ${wantedBy(issue).join(", or ")}`;
    case "too_small":
      return issue.origin === "string" ? issue.message : `too small: at least ${issue.minimum} is needed here`;
    case "too_big":
      return issue.origin === "string" ? issue.message : `too large: at most ${issue.maximum} is taken here`;
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "not_multiple_of":
    case "unrecognized_keys":
      return issue.message;
  }
}

function wantedBy({ errors }: z.core.$ZodIssueInvalidUnion): string[] {
  const wanted = errors
    .flat()
    .map((one) => (one.code === "invalid_type" ? (KINDS[one.expected] ?? one.expected) : one.message));
  return [...new Set(wanted)];
}

function typeWords(issue: z.core.$ZodIssueInvalidType, root: unknown): string {
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
