/** The end of a schema: every table of it, dropped under the lock of migrations. Nothing of another's is touched. */
import { tables } from "../schema/tables.ts";
import type { Dialect } from "./dialects/dialect.ts";
import type { MigrationSession } from "./migration-session.ts";
import { type LockOptions, underLock } from "./under-lock.ts";
import { readVersion, versionTable } from "./version.ts";

/** Answers whether there was one. Throws what `openGateway` throws. */
export const dropSchema = (options: LockOptions): Promise<boolean> => underLock(options, dropTables);

/** Each by itself: an older schema has fewer of them. The version goes last, so that what was broken off is begun again. */
export async function dropTables(dialect: Dialect, session: MigrationSession): Promise<boolean> {
  const { version } = await readVersion(dialect, { read: ({ sql }) => session.run(sql) });
  if (version === 0) return false;
  const names = Object.keys(tables).toReversed();
  const all = [...names.map((name) => dialect.dropTable(name)), ...dialect.dropRoutines];
  for (const statement of [...all, dialect.dropTable(versionTable.name)]) await session.run(statement);
  return true;
}
