/**
 * Which file systems are watched: `fspart`, one path a line, with an optional minimum and warning level after it. The file
 * is edited by hand on a running server, so nothing in it is fatal: a line that cannot be understood is a problem for
 * people, and its path, where it can be told, is still watched at the default level rather than not at all.
 */

/** A level of free space: bytes, or a share of the file system in percent. */
export type Threshold =
  | { readonly unit: "bytes"; readonly value: number }
  | { readonly unit: "percent"; readonly value: number };

export interface FspartEntry {
  readonly line: number;
  readonly path: string;
  /** Free space below which the path is short; null = the node's default. */
  readonly minimum: Threshold | null;
  /** Free space below which people are warned early; null = no early warning. */
  readonly warning: Threshold | null;
}

export interface FspartProblem {
  /** From 1; 0 = the file as a whole. */
  readonly line: number;
  readonly text: string;
  readonly message: string;
}

export interface Fspart {
  readonly entries: readonly FspartEntry[];
  readonly problems: readonly FspartProblem[];
}

/** Larger files are not parsed, bytes. */
export const MAX_FSPART_BYTES = 1024 * 1024;
const MAX_ENTRIES = 500;
const MAX_PROBLEMS = 100;

/**
 * Parses any text at all. Paths are absolute, or begin with `.` and are then relative to `home`; a path with blanks stands
 * in quotes; `#` begins a comment; sizes are `500M`, `2G` (powers of 1024) or `5%`.
 */
export function parseFspart(text: string, home: string): Fspart {
  const entries: FspartEntry[] = [];
  const problems: FspartProblem[] = [];
  const seen = new Map<string, number>();
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const problem = (message: string): void => {
      if (problems.length < MAX_PROBLEMS) problems.push({ line, text: raw.slice(0, 200), message });
    };
    const fields = splitFields(raw);
    if (fields === null) {
      problem("a quote is opened and not closed");
      continue;
    }
    const [first, ...levels] = fields;
    if (first === undefined) continue;
    const path = toPath(first, home);
    if (path === null) {
      problem("does not begin with a path: write an absolute one, or ./something below the home directory");
      continue;
    }
    const earlier = seen.get(path);
    if (earlier !== undefined) {
      problem(`${path} is listed on line ${earlier} already; that line counts`);
      continue;
    }
    if (entries.length === MAX_ENTRIES) {
      problem(`more than ${MAX_ENTRIES} paths; this one and those after it are not watched`);
      break;
    }
    seen.set(path, line);
    entries.push({ line, path, ...readLevels(levels, problem) });
  }
  return { entries, problems };
}

/** The bytes (or inodes) a threshold stands for on a file system of `total`. */
export function resolveThreshold(threshold: Threshold, total: number): number {
  return threshold.unit === "bytes" ? threshold.value : Math.floor((total * threshold.value) / 100);
}

/** A threshold as it is written, so that a change by an administrator can be told from a change of the file system. */
export function formatThreshold(threshold: Threshold | null): string {
  if (threshold === null) return "-";
  return threshold.unit === "bytes" ? String(threshold.value) : `${threshold.value}%`;
}

function readLevels(
  levels: readonly string[],
  problem: (message: string) => void,
): Pick<FspartEntry, "minimum" | "warning"> {
  const none = { minimum: null, warning: null };
  if (levels.length > 2) {
    problem("has more than a path, a minimum and a warning level; the default minimum is used");
    return none;
  }
  const [minimum, warning] = levels.map(parseThreshold);
  const bad = levels.find((_, index) => [minimum, warning][index] === null);
  if (bad !== undefined) {
    problem(`"${bad.slice(0, 40)}" is not a size: write for example 500M, 2G or 5%; the default minimum is used`);
    return none;
  }
  if (minimum && warning && minimum.unit === warning.unit && warning.value <= minimum.value) {
    problem("the warning level is not above the minimum and is not used");
    return { minimum, warning: null };
  }
  return { minimum: minimum ?? null, warning: warning ?? null };
}

const UNITS = "KMGTPE";

function parseThreshold(text: string): Threshold | null {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)(?:(%)|([KMGTPE]?)(?:i?B)?)$/i.exec(text);
  if (!match) return null;
  const value = Number(match[1]);
  if (match[2] === "%") return value <= 100 ? { unit: "percent", value } : null;
  const power = UNITS.indexOf((match[3] ?? "").toUpperCase() || " ") + 1;
  return { unit: "bytes", value: Math.min(Number.MAX_SAFE_INTEGER, Math.round(value * 1024 ** power)) };
}

function toPath(text: string, home: string): string | null {
  if (text.includes("\0") || text.length > 4096) return null;
  if (text.startsWith("/")) return trimSlash(text);
  if (text === "." || text === "./") return trimSlash(home);
  return text.startsWith("./") ? trimSlash(`${trimSlash(home)}/${text.slice(2)}`) : null;
}

function trimSlash(path: string): string {
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}

/** Fields between blanks; quotes keep blanks and `#`; null when a quote stays open. */
function splitFields(line: string): string[] | null {
  const fields: string[] = [];
  let field: string | null = null;
  let quote: string | null = null;
  for (const character of line) {
    if (quote !== null) {
      if (character === quote) quote = null;
      else field = (field ?? "") + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      field ??= "";
    } else if (character === " " || character === "\t") {
      if (field !== null) fields.push(field);
      field = null;
    } else if (character === "#" && field === null) {
      break;
    } else {
      field = (field ?? "") + character;
    }
  }
  if (quote !== null) return null;
  if (field !== null) fields.push(field);
  return fields;
}
