/**
 * Readiness by a line of output. The pattern is a user's, so it may be one that takes for ever on the wrong line: lines
 * are cut, and matching is interrupted when it takes too long.
 */
import { createContext, Script } from "node:vm";
import { ensureError, systemCode } from "@castellan/kernel";
import { type Bookmark, bookmarkIn, readOutput } from "../output/read-output.ts";
import type { MadeProbe, Probe } from "./probe.ts";

/** Longer lines are matched on their beginning, characters. */
const MOST_LINE = 4096;
/** What is read and matched at a time, bytes. */
const CHUNK = 256 * 1024;
/** How long the pattern may work on one chunk, milliseconds. */
const MATCH_MS = 200;

/** Looks at what was appended to `file` after `offset`. A line counts once it is complete. */
export function createLogProbe(pattern: string, file: string, offset: number): MadeProbe {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern);
  } catch (thrown) {
    return { ok: false, reason: `logLine is not a regular expression: ${ensureError(thrown).message}` };
  }
  const matcher = new Script("lines.some((line) => expression.test(line))");
  const sandbox: { lines: readonly string[]; readonly expression: RegExp } = { lines: [], expression };
  createContext(sandbox);
  const matches = (lines: readonly string[]): boolean => {
    sandbox.lines = lines;
    return matcher.runInContext(sandbox, { timeout: MATCH_MS }) === true;
  };

  let place: Bookmark | null = null;
  let partial = Buffer.alloc(0);
  const probe: Probe = async (signal) => {
    try {
      place ??= await bookmarkIn(file, offset);
      for (;;) {
        const chunk = place === null ? null : await readOutput(file, place, CHUNK);
        if (chunk === null) return `${file} is not there`;
        place = chunk.next;
        const bytes = Buffer.concat([chunk.isTorn ? Buffer.alloc(0) : partial, chunk.data]);
        const lastBreak = bytes.lastIndexOf(0x0a);
        partial = Buffer.from(bytes.subarray(lastBreak + 1)).subarray(0, MOST_LINE * 4);
        const lines = lastBreak < 0 ? [] : bytes.toString("utf8", 0, lastBreak).split("\n");
        if (lines.length > 0 && matches(lines.map((line) => line.slice(0, MOST_LINE)))) return null;
        if (!chunk.hasMore || signal.aborted) return `no line of its output matches ${expression.source}`;
      }
    } catch (thrown) {
      const error = ensureError(thrown);
      return systemCode(error) === "ERR_SCRIPT_EXECUTION_TIMEOUT"
        ? `the pattern ${expression.source} takes too long on its output`
        : error.message;
    }
  };
  return { ok: true, probe };
}
