/** A migration's session through TypeORM, for databases whose transactions and locks are statements like all others. */
import { DataSource, type DataSourceOptions } from "typeorm";
import type { Dialect } from "./dialects/dialect.ts";
import type { MigrationSession } from "./migration-session.ts";

/** Begun with the dialect's lock. Throws the driver's error (busy, for one: the caller tries again). */
export async function openTypeormSession(dialect: Dialect, options: DataSourceOptions): Promise<MigrationSession> {
  const source = await new DataSource(options).initialize();
  try {
    const runner = source.createQueryRunner();
    for (const statement of dialect.beginMigration) await runner.query(statement);
    return {
      run: (sql, params = []) => runner.query(sql, [...params]),
      commit: async () => {
        await runner.query("COMMIT");
      },
      rollback: async () => {
        await runner.query("ROLLBACK");
      },
      close: async () => {
        await runner.release();
        await source.destroy();
      },
    };
  } catch (thrown) {
    await source.destroy();
    throw thrown;
  }
}
