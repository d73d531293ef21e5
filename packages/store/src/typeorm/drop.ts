/** The end of a schema: every table of it, dropped under the lock of migrations. Nothing of another's is touched. */
import type { Clock, Logger, Rng } from "@castellan/kernel";
import { tables } from "../schema/tables.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { type DatabaseAddress, locateDatabase } from "./locate.ts";
import type { MigrationSession } from "./migration-session.ts";
import { namedFault } from "./sql-gateway.ts";
import { readVersion, versionTable } from "./version.ts";

export interface DropOptions extends DatabaseAddress {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** Answers whether there was one. Throws what `openGateway` throws. */
export async function dropSchema(options: DropOptions): Promise<boolean> {
  const { dialect, label, migration } = await locateDatabase(options, options);
  try {
    const session = await migration();
    let isDone = false;
    try {
      const wasThere = await dropTables(dialect, session);
      await session.commit();
      isDone = true;
      return wasThere;
    } finally {
      if (!isDone) {
        await session.rollback().catch((thrown: unknown) => {
          options.logger.warn("the end of a schema could not be taken back", {
            database: label,
            reason: String(thrown),
          });
        });
      }
      await session.close();
    }
  } catch (thrown) {
    throw namedFault(dialect, label, thrown, []);
  }
}

/** Each by itself: an older schema has fewer of them. The version goes last, so that what was broken off is begun again. */
export async function dropTables(dialect: Dialect, session: MigrationSession): Promise<boolean> {
  const { version } = await readVersion(dialect, { read: ({ sql }) => session.run(sql) });
  if (version === 0) return false;
  const names = Object.keys(tables).toReversed();
  const all = [...names.map((name) => dialect.dropTable(name)), ...dialect.dropRoutines];
  for (const statement of [...all, dialect.dropTable(versionTable.name)]) await session.run(statement);
  return true;
}
