/** Plain tables: columns, no borders, as narrow as their content. */
import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

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
  const room = columns - indent - widthBefore(lines);
  const fitted = lines.map((row) => row.map((cell, at) => (at === row.length - 1 ? cut(cell, room) : cell)));
  const table = new Table({
    chars: NO_BORDERS,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
    colAligns: head.map((_, at) => align[at] ?? "left"),
  });
  table.push(...fitted);
  const margin = " ".repeat(indent);
  return table
    .toString()
    .split("\n")
    .map((line) => `${margin}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

const COLOUR = "\u001b\\[[\\d;]*m";
const MOVES = new RegExp(`(?:(?!${COLOUR})\\p{Cc})+`, "gu");

/** Foreign text (a log, a file name, a note) without what a terminal obeys, colours included. */
export const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, " ");

/** Width of everything left of the last column. */
function widthBefore(rows: readonly (readonly string[])[]): number {
  const count = rows[0]?.length ?? 0;
  let width = 0;
  for (let at = 0; at < count - 1; at += 1) {
    width += Math.max(0, ...rows.map((row) => visible(row[at] ?? ""))) + 2;
  }
  return width;
}

function cut(cell: string, room: number): string {
  if (visible(cell) <= room || cell !== stripVTControlCharacters(cell)) return cell;
  return room < 8
    ? cell
    : `${Array.from(cell)
        .slice(0, room - 1)
        .join("")}…`;
}

const visible = (text: string): number => Array.from(stripVTControlCharacters(text)).length;
