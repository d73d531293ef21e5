/** Which version of the schema a database holds, and whether this program can work with it. */
import { SchemaError } from "../errors.ts";
import { int, type Shape, string, table, time } from "../schema/columns.ts";
import type { Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";

/** What this program needs; `migrations/index.ts` is checked to end with it. Kept apart so that reading it loads no TypeORM. */
export const SCHEMA_VERSION = 2;

/** One row per migration that was run. */
export const versionTable: Shape = table(
  "schema_version",
  {
    version: int(),
    name: string(64),
    applied_at: time(),
    /** The oldest `SCHEMA_VERSION` of a program that can go on with the schema as it is since then. */
    usable_from: int(),
  },
  { primaryKey: { name: "pk_schema_version", columns: ["version"] } },
);

/** What a database holds. No schema: both are 0. */
export interface FoundVersion {
  readonly version: number;
  readonly usableFrom: number;
}

/**
 * `never`: the schema must be right. `ifEmpty`: created when there is none. `always`: created or brought up to date. `asItIs`: an older
 * one is opened too, for who looks before it is migrated; what it does not have yet is not found in it. `whole`: as `never`, and
 * refused when it may hold what this program does not know, for who copies it. `toFill`: as `ifEmpty`, and refused in the same way, for
 * who puts a copy into it.
 */
export type MigrateMode = "never" | "ifEmpty" | "always" | "asItIs" | "whole" | "toFill";

/**
 * How a program that needs version `needed` and a schema stand to each other. `ahead`: a newer program has migrated it, and
 * this one can go on with it meanwhile. `too-new`: it cannot.
 */
export type Fit = "empty" | "older" | "same" | "ahead" | "too-new";

export function fitOf({ version, usableFrom }: FoundVersion, needed: number): Fit {
  if (version === 0) return "empty";
  if (usableFrom > needed) return "too-new";
  if (version === needed) return "same";
  return version < needed ? "older" : "ahead";
}

export async function readVersion(dialect: Dialect, connection: Pick<Connection, "read">): Promise<FoundVersion> {
  const there = await connection.read({ sql: dialect.versionTableExists, params: [] });
  if (there.length === 0) return { version: 0, usableFrom: 0 };
  const largest = (column: string): string => `MAX(${dialect.quote(column)}) AS "${column}"`;
  const [row] = await connection.read({
    sql: `SELECT ${largest("version")}, ${largest("usable_from")} FROM ${dialect.quote(versionTable.name)}`,
    params: [],
  });
  const version = Number(row?.["version"] ?? 0);
  const usableFrom = Number(row?.["usable_from"] ?? 0);
  if (!Number.isSafeInteger(version) || !Number.isSafeInteger(usableFrom))
    throw new SchemaError("schema_version holds no version: restore it from a backup");
  return { version, usableFrom };
}

/** Whether migrations must run. Throws `SchemaError` when the schema is not right and the mode does not allow to make it so. */
export function needsMigration(label: string, found: FoundVersion, mode: MigrateMode): boolean {
  const fit = fitOf(found, SCHEMA_VERSION);
  const refusal = (what: string): SchemaError =>
    new SchemaError(`${label} ${what}`, { details: { found: found.version, needed: SCHEMA_VERSION } });
  switch (fit) {
    case "same":
      return false;
    case "ahead":
      if (mode !== "whole" && mode !== "toFill") return false;
      throw refusal(
        `has a schema of version ${found.version}, of which this program knows ${SCHEMA_VERSION}: ${mode === "whole" ? "a copy of it would not hold all" : "a copy in it would stand beside rows that this program does not see"}; install the newer program here too`,
      );
    case "too-new":
      throw refusal(
        `has a schema of version ${found.version}, of which this program knows ${SCHEMA_VERSION} at most: install the newer program here too`,
      );
    case "empty":
      if (mode === "ifEmpty" || mode === "always" || mode === "toFill") return true;
      throw refusal("holds no schema yet: start a sentinel on it, or check the database URL");
    case "older":
      if (mode === "always") return true;
      if (mode === "asItIs") return false;
      throw refusal(
        `has a schema of version ${found.version}, older than ${SCHEMA_VERSION}: run \`castellan upgrade\` on the master's server`,
      );
  }
}
