/**
 * What is looked for in a YAML text before the parser may see it. The parser builds nested values by recursion and compares
 * the keys of a mapping each with each: a text that is nested deeply enough ends the whole process (no exception: the
 * engine aborts), and one of a few hundred kilobytes keeps it busy for minutes. Its lexer does neither.
 */
import { CST, Lexer } from "yaml";

export interface TextProblem {
  /** Characters from the beginning of the text. */
  readonly offset: number;
  readonly message: string;
}

/** Far more than a configuration needs, far less than hurts. */
const MAX_TOKENS = 200_000;
const MAX_FLOW_DEPTH = 64;
/** Each level of a block is indented further than the one above. */
const MAX_INDENT = 256;
const MAX_ALIASES = 100;

/** The first thing that makes a text unfit to be parsed, or null. */
export function findUnfit(text: string): TextProblem | null {
  return unreadable(text) ?? unbounded(text);
}

// oxlint-disable-next-line no-control-regex -- these are the ones to be found
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]|\r(?!\n)/;

function unreadable(text: string): TextProblem | null {
  const offset = text.search(CONTROL);
  if (offset === -1) return null;
  const code = text.charCodeAt(offset).toString(16).padStart(2, "0");
  return {
    offset,
    message: `holds the control character \\x${code}: this is no text file, or was damaged; take it out`,
  };
}

function unbounded(text: string): TextProblem | null {
  let offset = 0;
  let lineStart = 0;
  let flow = 0;
  let tokens = 0;
  let aliases = 0;
  let isFirst = true;
  let isScalar = false;
  for (const source of new Lexer().lex(text)) {
    const kind = isScalar ? "scalar" : CST.tokenType(source);
    isScalar = false;
    const at = offset;
    if (kind === "scalar" && source === CST.SCALAR) {
      isScalar = true; // a mark: what follows is the scalar itself
      continue;
    }
    if (kind === "doc-mode" || kind === "flow-error-end") continue; // marks
    offset += source.length;
    if (kind === "newline") {
      lineStart = offset;
      isFirst = true;
      continue;
    }
    if (kind === "space" || kind === "byte-order-mark") continue;
    tokens += 1;
    if (kind === "flow-map-start" || kind === "flow-seq-start") flow += 1;
    if (kind === "flow-map-end" || kind === "flow-seq-end") flow = Math.max(0, flow - 1);
    if (kind === "alias") aliases += 1;
    const opensBlock = flow === 0 && (isFirst || kind === "seq-item-ind" || kind === "explicit-key-ind");
    isFirst = false;
    if (flow > MAX_FLOW_DEPTH || (opensBlock && at - lineStart > MAX_INDENT && kind !== "comment")) {
      return { offset: at, message: "is nested too deeply: this is no configuration" };
    }
    if (aliases > MAX_ALIASES)
      return { offset: at, message: `has more than ${MAX_ALIASES} aliases (*name): write it out` };
    if (tokens > MAX_TOKENS)
      return { offset: at, message: "holds too much for a configuration: is this the right file?" };
    // A scalar may go over several lines.
    const newline = source.lastIndexOf("\n");
    if (newline !== -1) lineStart = at + newline + 1;
  }
  return null;
}
