/**
 * Plain tables: columns, no borders, as narrow as their content. By hand, for `status` should be quick: of some 160 ms of CPU
 * time in all, cli-table3 inside the bundle adds 10, and string-width 8 adds 31 (the least of 30 runs each, two cores).
 * What that gives up: a character that a terminal shows two columns wide is counted as one.
 */
import { stripVTControlCharacters } from "node:util";

export interface TableLayout {
  /** Spaces before each line. */
  readonly indent?: number;
  readonly align?: readonly ("left" | "right")[];
  /** Lines longer than this lose the end of their last cell. */
  readonly columns?: number;
}

/**
 * Lines without trailing blanks, each with its newline. Cells may hold our colours; what would move the cursor is removed.
 * Foreign text goes through `oneLine` first.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { indent = 0, align = [], columns = Number.POSITIVE_INFINITY }: TableLayout = {},
): string {
  const lines = [head, ...rows].map((row) => row.map((cell) => cell.replace(MOVES, " ")));
  const last = head.length - 1;
  const widths = head.map((_, at) => lines.reduce((widest, row) => Math.max(widest, visible(row[at] ?? "")), 0));
  const room = columns - indent - widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const cellAt = (row: readonly string[], at: number): string => {
    const cell = row[at] ?? "";
    const shown = at === last ? cut(cell, room) : cell;
    const padding = " ".repeat(Math.max(0, (widths[at] ?? 0) - visible(shown)));
    return align[at] === "right" ? padding + shown : shown + padding;
  };
  const margin = " ".repeat(indent);
  return lines.map((row) => `${margin}${head.map((_, at) => cellAt(row, at)).join(GAP)}`.trimEnd() + "\n").join("");
}

const GAP = "  ";
const COLOUR = "\u001b\\[[\\d;]*m";
const MOVES = new RegExp(`(?:(?!${COLOUR})\\p{Cc})+`, "gu");

/** Foreign text (a log, a file name, a note) without what a terminal obeys, colours included, or what turns its order round. */
export const oneLine = (text: string): string => text.replace(OBEYED, " ");

/** Controls, direction marks, line and paragraph separators. */
const OBEYED = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu;

function cut(cell: string, room: number): string {
  if (visible(cell) <= room || cell !== stripVTControlCharacters(cell)) return cell;
  return room < 8
    ? cell
    : `${Array.from(cell)
        .slice(0, room - 1)
        .join("")}…`;
}

/** In characters, colours not counted. */
function visible(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return Array.from(stripVTControlCharacters(text)).length;
}

const PLAIN = /^[ -~]*$/;
