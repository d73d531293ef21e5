/** How a command that failed says so: on stderr for people, and with `--json` on stdout for programs. */
import { CastellanError, type ErrorShape, ensureError, systemCode } from "@castellan/kernel";
import picocolors from "picocolors";
import { type ExitCode, exitCodeOf, remedyOf } from "./exit-code.ts";
import { oneLine } from "./format/table.ts";
import type { Io } from "./io.ts";

/** Prints the error and answers the exit code it stands for. */
export function reportFailure(thrown: unknown, io: Io, json: boolean, program = "castellan"): ExitCode {
  const shape = shapeOf(thrown);
  const remedy = remedyOf(shape.code);
  const { red, dim } = picocolors.createColors(io.errColour);
  const [first = "", ...rest] = shape.message.split("\n").map(shown);
  io.err(`${red(`${program}:`)} ${first}\n`);
  for (const line of rest) io.err(`  ${line}\n`);
  if (remedy !== null) io.err(`  ${dim(remedy)}\n`);
  if (json) io.out(`${JSON.stringify({ error: { ...shape, remedy } })}\n`);
  return exitCodeOf(shape.code);
}

/** What was mistaken may be anything: an argument of a megabyte, a name that a terminal obeys. */
const MAX_LINE = 1000;
const shown = (line: string): string => {
  const plain = oneLine(line);
  return plain.length <= MAX_LINE ? plain : `${plain.slice(0, MAX_LINE)}… (${plain.length} characters)`;
};

/** An error of the operating system keeps its code (EACCES, ENOSPC, ...); a defect shows where it happened. */
function shapeOf(thrown: unknown): ErrorShape {
  if (thrown instanceof CastellanError) return thrown.toShape();
  const error = ensureError(thrown);
  const code = systemCode(thrown);
  if (code !== undefined && /^E[A-Z0-9]+$/.test(code)) {
    return { code, message: error.message, retryable: false, details: {} };
  }
  return { code: "INTERNAL", message: error.stack ?? error.message, retryable: false, details: {} };
}
