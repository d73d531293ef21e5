/**
 * Readiness by a line of output. The pattern is a user's, so it may be one that takes for ever on the wrong line: lines
 * are cut, and matching is interrupted when it takes too long.
 */
import { open } from "node:fs/promises";
import { Script } from "node:vm";
import { ensureError, systemCode } from "@castellan/kernel";
import type { MadeProbe, Probe } from "./probe.ts";

/** Longer lines are matched on their beginning, characters. */
const MOST_LINE = 4096;
/** What one question reads at most, bytes; the rest waits for the next. */
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
  const matches = (lines: readonly string[]): boolean =>
    lines.length > 0 && matcher.runInNewContext({ lines, expression }, { timeout: MATCH_MS }) === true;

  let position = offset;
  let partial = Buffer.alloc(0);
  const probe: Probe = async () => {
    try {
      const chunk = await readFrom(file, position);
      if (chunk === null) return `${file} is not there`;
      if (chunk.truncated) partial = Buffer.alloc(0);
      position = chunk.end;
      const lines = Buffer.concat([partial, chunk.data]);
      const lastBreak = lines.lastIndexOf(0x0a);
      partial = Buffer.from(lines.subarray(lastBreak + 1)).subarray(0, MOST_LINE * 4);
      const complete = lines.toString("utf8", 0, lastBreak + 1).split("\n");
      return matches(complete.map((line) => line.slice(0, MOST_LINE)))
        ? null
        : `no line of its output matches ${expression.source}`;
    } catch (thrown) {
      const error = ensureError(thrown);
      return systemCode(error) === "ERR_SCRIPT_EXECUTION_TIMEOUT"
        ? `the pattern ${expression.source} takes too long on its output`
        : error.message;
    }
  };
  return { ok: true, probe };
}

async function readFrom(
  path: string,
  position: number,
): Promise<{ data: Buffer; end: number; truncated: boolean } | null> {
  const handle = await open(path, "r").catch((thrown: unknown) => {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  });
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    const truncated = size < position; // cut or replaced: begin again
    const from = truncated ? 0 : position;
    const buffer = Buffer.alloc(Math.min(CHUNK, size - from));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    return { data: buffer.subarray(0, bytesRead), end: from + bytesRead, truncated };
  } finally {
    await handle.close();
  }
}
