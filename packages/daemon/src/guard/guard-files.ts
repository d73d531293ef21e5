/** The files by which a worker and the guard of its server speak with each other (`script.ts` writes the other half). */
import { readdirSync, unlinkSync } from "node:fs";
import { constants } from "node:os";
import { readSmallFileSync } from "@castellan/kernel";

const MAX_BYTES = 64 * 1024;

/** The hundredths of a second at which a line of `due` has everything killed; Infinity: never. */
export const dueOf = (line: string): number => {
  const [first = ""] = line.split(" ");
  return first === "none" ? Number.POSITIVE_INFINITY : Number(first);
};

/** A shell tells of a signal as 128 and its number. */
export function howItEnded(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return code > 128 && signal !== undefined ? `signal ${signal}` : `exit code ${code}`;
}

/** False when the guard has taken it. */
export function isWithdrawn(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Orders that no guard has taken, and answers that nobody has read. */
export function leftBehind(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.startsWith("launch-") || name.startsWith("launched-"));
  } catch {
    return []; // there was no guard yet
  }
}

export function readOrNull(path: string): string | null {
  try {
    return readSmallFileSync(path, MAX_BYTES).toString("utf8");
  } catch {
    return null; // not written yet
  }
}
