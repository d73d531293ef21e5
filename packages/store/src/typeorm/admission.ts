/**
 * A schema that does not count says so in `schema_move`, which programs of release 0.1.0 do not read: they would go on with it as with
 * that of their node. What they do read is from which program on a schema can be used.
 *
 * A1 It says both or neither, from the beginning of a move or restore to its end: the one commit that marks it closes it to those
 *    programs, the one that takes the mark away admits them again.
 */
import type { Write } from "../gateway.ts";
import type { Column } from "../schema/columns.ts";
import { columnOf } from "../schema/values.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { type BatchStatement, renderWrite } from "./statements.ts";
import { versionTable } from "./version.ts";

/** The migration that made `schema_move`, and the oldest `SCHEMA_VERSION` of a program that may work with it beside newer ones. */
export const MOVES_SINCE = { version: 2, usableFrom: 1 } as const;

/** What a commit of `writes` has to say besides to older programs; nothing, where it marks no schema. */
export function admission(dialect: Dialect, writes: readonly Write[]): readonly BatchStatement[] {
  const kind = writes.find((write) => write.table === "schema_move" && write.kind !== "update")?.kind;
  if (kind === undefined) return [];
  const { version, usableFrom } = MOVES_SINCE;
  return [kind === "delete" ? admitted(dialect, version, usableFrom) : admitted(dialect, usableFrom, version)];
}

const column = (name: string): { readonly name: string; readonly column: Column } => ({
  name,
  column: columnOf(versionTable, name),
});

/** The row of that migration alone: what later ones say stays. */
function admitted(dialect: Dialect, before: number, after: number): BatchStatement {
  return renderWrite(dialect, {
    kind: "update",
    table: versionTable,
    where: [
      { ...column("version"), comparison: "is", values: [MOVES_SINCE.version] },
      { ...column("usable_from"), comparison: "is", values: [before] },
    ],
    set: [{ ...column("usable_from"), add: false, value: after }],
    expect: "any",
  });
}
