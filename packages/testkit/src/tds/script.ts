/** T-SQL text as statements: the control flow that our own batches use; all else is a statement for H2 as it stands. */

export type Step =
  | { readonly kind: "sql"; readonly text: string }
  | { readonly kind: "block"; readonly steps: readonly Step[] }
  | { readonly kind: "while" | "if"; readonly condition: string; readonly body: Step }
  | { readonly kind: "try"; readonly body: Step; readonly handler: Step }
  | { readonly kind: "set"; readonly name: string; readonly value: string }
  | { readonly kind: "option"; readonly names: readonly string[]; readonly value: string }
  | { readonly kind: "transaction"; readonly what: "begin" | "commit" | "rollback" }
  /** A cursor over the objects of a JSON list: what each of its columns is in an object, and whether as JSON. */
  | { readonly kind: "cursor"; readonly json: string; readonly columns: readonly CursorColumn[] }
  | { readonly kind: "fetch"; readonly into: readonly string[] }
  | { readonly kind: "execute"; readonly statement: string; readonly params: readonly Argument[] }
  | { readonly kind: "lock"; readonly result: string; readonly procedure: string; readonly params: readonly Argument[] }
  | { readonly kind: "throw"; readonly number: string; readonly message: string }
  | { readonly kind: "select"; readonly items: readonly Argument[] }
  | { readonly kind: "nothing" };

export interface CursorColumn {
  readonly property: string;
  readonly isJson: boolean;
}

/** `@name = expression`, or `expression AS name`. */
export interface Argument {
  readonly name: string;
  readonly value: string;
}

const BODY = "(?=\\b(?:THROW|BEGIN|SET|ROLLBACK|COMMIT|SELECT|EXEC)\\b)";
const CONDITION = new RegExp(`(IF|WHILE)\\s+(.*?)\\s+${BODY}`, "isy");
const SPACE = /(?:\s|--[^\n]*\n|;)*/y;

/** Throws `SyntaxError` for control flow it cannot read. */
export function parseScript(text: string): readonly Step[] {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    SPACE.lastIndex = at;
    at += SPACE.exec(text)?.[0].length ?? 0;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at += found[0].length;
    return found;
  };
  const stepsUntil = (end: RegExp): Step[] => {
    const steps: Step[] = [];
    while (take(end) === null) {
      if (at >= text.length) throw new SyntaxError(`the double misses an END: ${text.slice(0, 200)}`);
      steps.push(step());
    }
    return steps;
  };
  const step = (): Step => {
    if (take(/BEGIN TRY\b/iy)) {
      const body = stepsUntil(/END TRY\b/iy);
      if (take(/BEGIN CATCH\b/iy) === null) throw new SyntaxError("the double misses a CATCH");
      const handler = stepsUntil(/END CATCH\b/iy);
      return { kind: "try", body: { kind: "block", steps: body }, handler: { kind: "block", steps: handler } };
    }
    if (take(/BEGIN\b(?!\s+TRAN)/iy)) return { kind: "block", steps: stepsUntil(/END\b(?! (?:TRY|CATCH))/iy) };
    const [, word, condition] = take(CONDITION) ?? [];
    if (word !== undefined && condition !== undefined) {
      return { kind: word.toUpperCase() === "IF" ? "if" : "while", condition, body: step() };
    }
    return plainStep(take(/(?:N?'(?:[^']|'')*'|"[^"]*"|[^;'"])*/y)?.[0].trim() ?? "");
  };
  const steps: Step[] = [];
  while (take(/$/y) === null) steps.push(step());
  return steps;
}

function plainStep(text: string): Step {
  for (const [pattern, make] of PLAIN) {
    const found = pattern.exec(text);
    if (found !== null) return make(found);
  }
  return { kind: "sql", text };
}

const PLAIN: readonly (readonly [RegExp, (found: RegExpExecArray) => Step])[] = [
  [
    /^(BEGIN|COMMIT|ROLLBACK)(?: TRAN(?:SACTION)?)?$/i,
    ([, what = ""]) => ({ kind: "transaction", what: transactionOf(what) }),
  ],
  [/^SET (@\w+) = (.*)$/is, ([, name = "", value = ""]) => ({ kind: "set", name, value })],
  [
    /^SET ((?:NOCOUNT|XACT_ABORT|LOCK_TIMEOUT|, ?)+) (\w+)$/i,
    ([, names = "", value = ""]) => ({ kind: "option", names: names.split(/, ?/), value }),
  ],
  [/^DECLARE \w+ CURSOR .*$/is, ([all]) => cursorOf(all)],
  [/^DECLARE (.*)$/is, ([, list = ""]) => ({ kind: "block", steps: split(list).map(declared) })],
  [/^(?:OPEN|CLOSE|DEALLOCATE) \w+$/i, () => ({ kind: "nothing" })],
  [/^FETCH NEXT FROM \w+ INTO (.*)$/is, ([, into = ""]) => ({ kind: "fetch", into: split(into) })],
  [/^EXEC sp_executesql (.*)$/is, ([, list = ""]) => executed(split(list))],
  [
    /^EXEC (@\w+) = (sp_(?:get|release)applock) (.*)$/is,
    ([, result = "", procedure = "", list = ""]) => ({
      kind: "lock",
      result,
      procedure: procedure.toLowerCase(),
      params: split(list).map(named),
    }),
  ],
  [/^THROW (\d+), (.*), \d+$/is, ([, number = "", message = ""]) => ({ kind: "throw", number, message })],
  // Without a table it is computed here.
  [
    /^SELECT (?!.*\bFROM\b)(?!.*\bWHERE\b)(.*@.*|.*ERROR_NUMBER.*)$/is,
    ([, list = ""]) => ({ kind: "select", items: split(list).map(aliased) }),
  ],
];

function transactionOf(word: string): "begin" | "commit" | "rollback" {
  const what = word.toLowerCase();
  return what === "begin" || what === "commit" ? what : "rollback";
}

function cursorOf(text: string): Step {
  const [, json = ""] = /OPENJSON\((@\w+)\)/.exec(text) ?? [];
  const [, list = ""] = /WITH \((.*)\) AS/s.exec(text) ?? [];
  const columns = split(list).map((column): CursorColumn => {
    const [, property] = /'\$\.(\w+)'/.exec(column) ?? [];
    if (property === undefined) throw new SyntaxError(`the double cannot read the column ${column} of a cursor`);
    return { property, isJson: column.endsWith("AS JSON") };
  });
  return { kind: "cursor", json, columns };
}

/** `@name type`, with or without `= value`. */
function declared(text: string): Step {
  const [, name = "", value = "NULL"] = /^(@\w+) [^=]*(?:= (.*))?$/s.exec(text) ?? [];
  return { kind: "set", name, value };
}

function executed([statement = "", , ...rest]: readonly string[]): Step {
  return { kind: "execute", statement, params: rest.map(named) };
}

function named(text: string): Argument {
  const [, name = "", value = ""] = /^(@\w+) = (.*)$/s.exec(text) ?? [];
  return { name, value };
}

function aliased(text: string): Argument {
  const [, value = text, name = ""] = /^(.*) AS "?(\w+)"?$/is.exec(text) ?? [];
  return { name, value };
}

/** At the commas that stand in no parentheses and no text. */
function split(list: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const piece of list.match(/N?'(?:[^']|'')*'|[\s\S]/g) ?? []) {
    if (piece === "(") depth += 1;
    if (piece === ")") depth -= 1;
    if (piece === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts.map((part) => part.trim());
}
