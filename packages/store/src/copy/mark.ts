/**
 * `schema_move`, one row while a schema does not count: whoever opens it is refused, and told where the node is.
 *
 * M1 A schema without the row counts. Of a schema and its copy at most one has none, at any moment: the original is closed
 *    before the copy is begun, and has been left for good before the copy is opened.
 * M2 Every write of a copy carries the id of the attempt that makes it: an attempt that another has taken over writes nothing more.
 */
import { CastellanError } from "@castellan/kernel";
import { insert, remove, update, type Write } from "../gateway.ts";
import type { Row } from "../schema/tables.ts";
import type { Reader } from "./pages.ts";

/**
 * `leaving`: it is being copied to `other`, and does not change. `left`: the copy counts, or will.
 * `filling`: it is a copy of `other`, or of a backup, and not yet whole.
 */
export const MARK_STATES = ["leaving", "left", "filling"] as const;
export type MarkState = (typeof MARK_STATES)[number];

export interface Mark {
  /** Of the attempt that wrote it. */
  readonly moveId: string;
  readonly state: MarkState;
  /** The other database's URL, or the file. No secret is in it. */
  readonly other: string;
  readonly changedAt: Date;
}

const ID = 1;
const MAX_OTHER = 1000;

export async function readMark(reader: Reader): Promise<Mark | null> {
  const [row] = await reader.find("schema_move", { where: { id: ID } });
  return row === undefined ? null : markOf(row);
}

function markOf({ move_id, state, other, changed_at }: Row<"schema_move">): Mark {
  // A word that nobody of us wrote is taken for the one that lets nobody in.
  const known = MARK_STATES.find((word) => word === state) ?? "leaving";
  return { moveId: move_id, state: known, other, changedAt: changed_at };
}

/** Replaces `before`, which must be as it was read. */
export function setMark(before: Mark | null, { moveId, state, other, changedAt }: Mark): Write {
  const set = { move_id: moveId, state, other: other.slice(0, MAX_OTHER), changed_at: changedAt };
  return before === null ? insert("schema_move", { id: ID, ...set }) : update("schema_move", asRead(before), set);
}

/** From then on the schema counts. */
export const takeMarkAway = (before: Mark): Write => remove("schema_move", asRead(before), 1);

/** Refuses a commit when the mark is not this one any more. */
export const whileMarked = (mark: Mark): Write => update("schema_move", asRead(mark), { changed_at: mark.changedAt });

const asRead = ({ moveId, state }: Mark) => ({ id: ID, move_id: moveId, state });

/** Throws SCHEMA_MOVED unless the schema counts. `label` names the database. */
export function requireCounting(label: string, mark: Mark | null): void {
  if (mark === null) return;
  const { state, other } = mark;
  throw new CastellanError("SCHEMA_MOVED", `${label} ${WORDS[state](other)}`, { details: { state, other } });
}

const WORDS: Readonly<Record<MarkState, (other: string) => string>> = {
  leaving: (other) =>
    `is being moved to ${other}: wait, or after an interruption say \`castellan schema move\` to it again, or \`castellan schema move --cancel\``,
  left: (other) =>
    `is not the schema of its node any more: that is ${other} now; \`castellan schema move\` to it sets this home right`,
  filling: (other) => `is an unfinished copy of ${other}: make it again`,
};
