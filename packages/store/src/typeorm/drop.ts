/** The end of a schema: every table of it, dropped under the lock of migrations. Nothing of another's is touched. */
import type { Clock, Logger, Rng } from "@castellan/kernel";
import { tables } from "../schema/tables.ts";
import { type DatabaseAddress, locateDatabase } from "./locate.ts";
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
      const { version } = await readVersion(dialect, { read: ({ sql }) => session.run(sql) });
      const names = [...Object.keys(tables).toReversed(), versionTable.name];
      // Each by itself: an older schema has fewer of them.
      for (const name of version === 0 ? [] : names) await session.run(`DROP TABLE IF EXISTS ${dialect.quote(name)}`);
      await session.commit();
      isDone = true;
      return version > 0;
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
