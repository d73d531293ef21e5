/**
 * What `schema move` has to do next, by what the two schemas say of themselves: a pure function. The home names the old one until
 * all is done, so whatever was interrupted is found again, and asked the same way.
 *
 * | the old one says | the new one                        |          |
 * |------------------|------------------------------------|----------|
 * | it counts        | is empty, or half a copy of it     | `copy`   |
 * | it counts        | is in use, or half another's       | refused  |
 * | leaving to it    | is empty, or half a copy of it     | `copy`   |
 * | left to it       | is its copy, whole but not opened  | `open`   |
 * | left to it       | counts, or was left in its turn    | `settle` |
 * | leaving or left to a third, or half a copy itself     | refused  |
 */
import { CastellanError } from "@castellan/kernel";
import type { Mark } from "@castellan/store/copy";

export type MoveStep = "copy" | "open" | "settle";

export interface MoveView {
  readonly from: { readonly url: string; readonly mark: Mark | null };
  readonly to: {
    readonly url: string;
    readonly mark: Mark | null;
    /** The first table that holds something of a node; null: none does. */
    readonly inUse: string | null;
  };
}

/** Throws SAME_DATABASE, TARGET_IN_USE, SCHEMA_MOVED, COPY_LOST. */
export function decideMove({ from, to }: MoveView): MoveStep {
  if (from.url === to.url) throw new CastellanError("SAME_DATABASE", `the schema is at ${to.url} already`);
  if (from.mark === null) {
    requireRoom(from.url, to);
    return "copy";
  }
  const { state, other, moveId } = from.mark;
  if (state === "filling" || other !== to.url) {
    const where =
      state === "filling" ? "is itself an unfinished copy of" : state === "left" ? "has moved to" : "is being moved to";
    throw new CastellanError("SCHEMA_MOVED", `${from.url} ${where} ${other}`, { details: { state, other } });
  }
  if (state === "leaving") {
    requireRoom(from.url, to);
    return "copy";
  }
  // What has moved on from there is told by that schema itself, once the home names it.
  if (to.mark?.state !== "filling" && to.inUse !== null) return "settle";
  if (to.mark?.state === "filling" && to.mark.moveId === moveId) return "open";
  throw new CastellanError(
    "COPY_LOST",
    `${from.url} has moved to ${to.url}, where its copy is not: bring that database back, or a backup of it`,
  );
}

/** Half a copy of the same schema makes room by itself. */
function requireRoom(from: string, { url, mark, inUse }: MoveView["to"]): void {
  if (mark?.state === "filling" && mark.other === from) return;
  if (mark === null && inUse === null) return;
  const why = mark === null ? `table ${inUse} holds rows` : `it is ${mark.state} ${mark.other}`;
  throw new CastellanError("TARGET_IN_USE", `${url} is not empty (${why}): give the node an empty database`, {
    details: { url, inUse, mark: mark?.state ?? null },
  });
}
