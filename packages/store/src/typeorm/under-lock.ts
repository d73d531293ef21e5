/** What is done to a schema as a whole, under the lock of migrations, in one transaction where the database can. */
import type { Clock, Logger, Rng } from "@castellan/kernel";
import type { Dialect } from "./dialects/dialect.ts";
import { type DatabaseAddress, locateDatabase } from "./locate.ts";
import type { MigrationSession } from "./migration-session.ts";
import { namedFault } from "./sql-gateway.ts";

export interface LockOptions extends DatabaseAddress {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** Throws what `openGateway` throws. */
export async function underLock<T>(
  options: LockOptions,
  act: (dialect: Dialect, session: MigrationSession) => Promise<T>,
): Promise<T> {
  const { dialect, label, migration } = await locateDatabase(options, options);
  try {
    const session = await migration();
    let isDone = false;
    try {
      const result = await act(dialect, session);
      await session.commit();
      isDone = true;
      return result;
    } finally {
      if (!isDone) {
        await session.rollback().catch((thrown: unknown) => {
          options.logger.warn("what was begun with a schema could not be taken back", {
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
