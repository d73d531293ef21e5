/**
 * Brings a schema up to date, once, whoever else tries at the same time.
 *
 * One transaction from reading the version to recording the new one, begun with the dialect's lock: a second runner waits,
 * then finds nothing to do; one that dies leaves the schema as it was. TypeORM has no such lock, and its own table of
 * migrations cannot say "newer than this program".
 */
import type { Clock, Logger } from "@castellan/kernel";
import { DataSource, type DataSourceOptions, type QueryRunner } from "typeorm";
import type { Dialect } from "./dialects/dialect.ts";
import { makeEntities } from "./entities.ts";
import { recordOf, stepsFrom } from "./steps.ts";
import { type MigrateMode, needsMigration, readVersion } from "./version.ts";

export interface MigrateOptions {
  readonly dialect: Dialect;
  /** How TypeORM reaches the database; without entities. */
  readonly source: DataSourceOptions;
  readonly label: string;
  readonly mode: MigrateMode;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}

/** Throws `SchemaError`, or the driver's error (busy, for one: the caller tries again). */
export async function migrate(options: MigrateOptions): Promise<void> {
  const source = await new DataSource({ ...options.source, entities: makeEntities(options.dialect) }).initialize();
  try {
    const runner = source.createQueryRunner();
    try {
      await migrateLocked(runner, options);
    } finally {
      await runner.release();
    }
  } finally {
    await source.destroy();
  }
}

async function migrateLocked(runner: QueryRunner, options: MigrateOptions): Promise<void> {
  const { dialect, label, mode, logger } = options;
  await begin(runner, dialect);
  let done = false;
  try {
    const found = await readVersion(dialect, { read: ({ sql }) => runner.query(sql) });
    const steps = needsMigration(label, found, mode) ? await stepsFrom(dialect, found) : [];
    for (const step of steps) {
      for (const statement of step.statements) await runner.query(statement);
      await runner.query(recordOf(dialect, step, dialect.placeholder(0)), [dialect.encode(options.clock.now())]);
      logger.info("the schema was migrated", { database: label, version: step.version, name: step.name });
    }
    await commit(runner);
    done = true;
  } finally {
    if (!done)
      await rollback(runner).catch((thrown: unknown) => {
        // The first error is the one that tells; a connection that is gone has rolled back by itself.
        logger.warn("a migration could not be rolled back", { database: label, reason: String(thrown) });
      });
  }
}

async function begin(runner: QueryRunner, dialect: Dialect): Promise<void> {
  for (const statement of dialect.beginMigration) await runner.query(statement);
}

async function commit(runner: QueryRunner): Promise<void> {
  await runner.query("COMMIT");
}

async function rollback(runner: QueryRunner): Promise<void> {
  await runner.query("ROLLBACK");
}

/** The statements that would make the schema the designed one; none when it is. */
export async function describeDrift(options: Pick<MigrateOptions, "dialect" | "source">): Promise<string[]> {
  const source = await new DataSource({ ...options.source, entities: makeEntities(options.dialect) }).initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  } finally {
    await source.destroy();
  }
}
