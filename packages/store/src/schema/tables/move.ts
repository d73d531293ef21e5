/** Whether the schema counts. */
import { int, string, table, time } from "../columns.ts";

/**
 * At most one row (id 1), while the schema does not count: it is on its way to another database, has gone there, or is a copy that is
 * not whole yet. `other` is that database, or the file. Writer: administrator commands.
 */
export const schema_move = table(
  "schema_move",
  { id: int(), move_id: string(36), state: string(10), other: string(1000), changed_at: time() },
  { primaryKey: { name: "pk_schema_move", columns: ["id"] } },
);
