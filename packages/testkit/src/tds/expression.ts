/** The little of T-SQL's expressions that our own control flow uses: variables, constants, `CONCAT`, comparisons, `AND`, `OR`. */
import type { H2Value } from "../h2.ts";

/** What an expression can ask for: `@name`, `@@NAME`, and functions with their arguments. */
export interface Scope {
  variable(name: string): H2Value;
  call(name: string, args: readonly H2Value[]): H2Value;
}

const TOKEN = /\s*(?:N?'((?:[^']|'')*)'|(@?@?\w+)|(<>|<=|>=|[=<>(),+*-]))/gy;

type Token = { readonly text: string } | { readonly word: string } | { readonly sign: string };

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const trimmed = source.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < trimmed.length) {
    const found = TOKEN.exec(trimmed);
    if (found === null) throw new SyntaxError(`the double cannot read the expression ${trimmed}`);
    const [, text, word, sign = ""] = found;
    tokens.push(text !== undefined ? { text: text.replaceAll("''", "'") } : word !== undefined ? { word } : { sign });
  }
  return tokens;
}

/** Comparisons with NULL are NULL, which is not true. */
export function evaluate(source: string, scope: Scope): H2Value {
  const tokens = tokensOf(source);
  let at = 0;
  const isNext = (word: string): boolean => {
    const token = tokens[at];
    if (token === undefined || "text" in token) return false;
    return ("word" in token ? token.word.toUpperCase() : token.sign) === word;
  };
  const skip = (word: string): boolean => {
    if (!isNext(word)) return false;
    at += 1;
    return true;
  };
  const need = (word: string): void => {
    if (!skip(word)) throw new SyntaxError(`the double misses ${word} in ${source}`);
  };

  const either = (): H2Value => {
    let left = both();
    while (skip("OR")) {
      const right = both();
      left = left === true || right === true ? true : left === null || right === null ? null : false;
    }
    return left;
  };
  const both = (): H2Value => {
    let left = comparison();
    while (skip("AND")) {
      const right = comparison();
      left = left === false || right === false ? false : left === null || right === null ? null : true;
    }
    return left;
  };
  const comparison = (): H2Value => {
    const left = sum();
    for (const [sign, test] of COMPARISONS) {
      if (!skip(sign)) continue;
      const right = sum();
      return left === null || right === null ? null : test(left, right);
    }
    if (skip("IS")) {
      const isNot = skip("NOT");
      need("NULL");
      return (left === null) !== isNot;
    }
    return left;
  };
  const sum = (): H2Value => {
    let left = atom();
    while (skip("+")) {
      const right = atom();
      left =
        left === null || right === null ? null : typeof left === "number" ? left + Number(right) : `${left}${right}`;
    }
    return left;
  };
  const atom = (): H2Value => {
    if (skip("(")) {
      const inner = either();
      need(")");
      return inner;
    }
    if (skip("-")) return -Number(atom());
    const token = tokens[at];
    at += 1;
    if (token === undefined || "sign" in token)
      throw new SyntaxError(`the double cannot read the expression ${source}`);
    if ("text" in token) return token.text;
    const word = token.word.toUpperCase();
    if (word === "NULL") return null;
    if (/^\d+$/.test(word)) return Number(word);
    if (word === "CAST") return cast();
    if (!skip("(")) return scope.variable(token.word);
    const args: H2Value[] = [];
    while (!skip(")")) {
      args.push(either());
      skip(",");
    }
    return scope.call(word, args);
  };
  /** To whole numbers and text; lengths are not looked at. */
  const cast = (): H2Value => {
    need("(");
    const value = either();
    need("AS");
    let depth = 1;
    const isNumber = isNext("INT") || isNext("BIGINT");
    while (depth > 0) depth += skip("(") ? 1 : skip(")") ? -1 : ((at += 1), 0);
    if (value === null) return null;
    return isNumber ? Number(value) : String(value);
  };

  const value = either();
  if (at < tokens.length) throw new SyntaxError(`the double cannot read the end of ${source}`);
  return value;
}

type Plain = string | number | boolean;
const COMPARISONS: readonly (readonly [string, (left: Plain, right: Plain) => boolean])[] = [
  ["=", (left, right) => left === right],
  ["<>", (left, right) => left !== right],
  ["<=", (left, right) => left <= right],
  [">=", (left, right) => left >= right],
  ["<", (left, right) => left < right],
  [">", (left, right) => left > right],
];
