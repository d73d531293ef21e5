/** Which version of the schema a database holds, and whether this program can work with it. */
import { SchemaError } from "../errors.ts";
import { int, type Shape, string, table, time } from "../schema/columns.ts";
import type { Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";

/** What this program needs; `migrations/index.ts` is checked to end with it. Kept apart so that reading it loads no TypeORM. */
export const SCHEMA_VERSION = 1;

/** One row per migration that was run. */
export const versionTable: Shape = table(
  "schema_version",
  { version: int(), name: string(64), applied_at: time() },
  { primaryKey: { name: "pk_schema_version", columns: ["version"] } },
);

/** `never`: the schema must be right. `ifEmpty`: created when there is none. `always`: created or brought up to date. */
export type MigrateMode = "never" | "ifEmpty" | "always";

/** 0 when there is no schema. */
export async function readVersion(dialect: Dialect, connection: Pick<Connection, "read">): Promise<number> {
  const found = await connection.read({ sql: dialect.versionTableExists, params: [] });
  if (found.length === 0) return 0;
  const name = dialect.quote("version");
  const [row] = await connection.read({
    sql: `SELECT MAX(${name}) AS "version" FROM ${dialect.quote(versionTable.name)}`,
    params: [],
  });
  const version = Number(row?.["version"] ?? 0);
  if (!Number.isSafeInteger(version))
    throw new SchemaError("schema_version holds no version: restore it from a backup");
  return version;
}

/** Whether migrations must run. Throws `SchemaError` when the schema is not right and the mode does not allow to make it so. */
export function needsMigration(label: string, found: number, mode: MigrateMode): boolean {
  const details = { found, needed: SCHEMA_VERSION };
  if (found === SCHEMA_VERSION) return false;
  if (found > SCHEMA_VERSION) {
    throw new SchemaError(
      `${label}: the schema has version ${found}, this program knows ${SCHEMA_VERSION}: install the newer program here too`,
      { details },
    );
  }
  if (mode === "always" || (mode === "ifEmpty" && found === 0)) return true;
  const what = found === 0 ? "holds no schema yet" : `has a schema of version ${found}, older than ${SCHEMA_VERSION}`;
  const remedy = found === 0 ? "start a sentinel on it, or check the database URL" : "migrate it once, from one server";
  throw new SchemaError(`${label} ${what}: ${remedy}`, { details });
}
