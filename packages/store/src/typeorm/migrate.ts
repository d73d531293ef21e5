/**
 * Brings a schema up to date, once, whoever else tries at the same time.
 *
 * Under one lock from reading the version to recording the new one: a second runner waits, then finds nothing to do. One that
 * dies leaves the schema as it was, or, where DDL is part of no transaction, as something that the next one completes.
 * TypeORM has no such lock, and its own table of migrations cannot say "newer than this program".
 */
import type { Clock, Logger } from "@castellan/kernel";
import { DataSource, type DataSourceOptions } from "typeorm";
import type { Dialect } from "./dialects/dialect.ts";
import { makeEntities } from "./entities.ts";
import type { MigrationSession } from "./migration-session.ts";
import { recordOf, stepsFrom } from "./steps.ts";
import { type MigrateMode, needsMigration, readVersion } from "./version.ts";

export interface MigrateOptions {
  readonly dialect: Dialect;
  /** Opens the session, with the lock. */
  readonly migration: () => Promise<MigrationSession>;
  readonly label: string;
  readonly mode: MigrateMode;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}

/** Throws `SchemaError`, or the driver's error (busy, for one: the caller tries again). */
export async function migrate(options: MigrateOptions): Promise<void> {
  const session = await options.migration();
  try {
    await migrateLocked(session, options);
  } finally {
    await session.close();
  }
}

async function migrateLocked(session: MigrationSession, options: MigrateOptions): Promise<void> {
  const { dialect, label, mode, logger } = options;
  let done = false;
  try {
    const found = await readVersion(dialect, { read: ({ sql }) => session.run(sql) });
    const steps = needsMigration(label, found, mode) ? await stepsFrom(dialect, found.version) : [];
    for (const step of steps) {
      for (const statement of step.statements) await session.run(statement);
      await session.run(recordOf(dialect, step, dialect.placeholder(0)), [dialect.encode(options.clock.now())]);
      logger.info("the schema was migrated", { database: label, version: step.version, name: step.name });
    }
    await session.commit();
    done = true;
  } finally {
    if (!done)
      await session.rollback().catch((thrown: unknown) => {
        // The first error is the one that tells; a connection that is gone has rolled back by itself.
        logger.warn("a migration could not be rolled back", { database: label, reason: String(thrown) });
      });
  }
}

/** The statements that would make the schema the designed one; none when it is. */
export async function describeDrift(options: {
  readonly dialect: Dialect;
  /** How TypeORM reaches the database; without entities. */
  readonly source: DataSourceOptions;
}): Promise<string[]> {
  const source = await new DataSource({ ...options.source, entities: makeEntities(options.dialect) }).initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  } finally {
    await source.destroy();
  }
}
