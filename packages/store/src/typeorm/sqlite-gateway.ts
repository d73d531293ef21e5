/** Opens a SQLite file as a gateway, with its schema made or checked first. TypeORM is loaded only to change the schema. */
import type { Clock, Logger, Rng } from "@castellan/kernel";
import type { DataSourceOptions } from "typeorm";
import type { Gateway } from "../gateway.ts";
import { sqlite } from "./dialects/sqlite.ts";
import { whileBusy } from "./patience.ts";
import { createSqlGateway, namedFault } from "./sql-gateway.ts";
import { type MigrateMode, needsMigration, readVersion } from "./version.ts";

export interface SqliteOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly rng: Pick<Rng, "next">;
  readonly logger: Logger;
  readonly migrate: MigrateMode;
}

const COMMIT_BUDGET_MS = 5_000;
/** Opening may have to wait for another process that is just migrating. */
const OPEN_BUDGET_MS = 30_000;

export async function openSqliteGateway(options: SqliteOptions): Promise<Gateway> {
  const { path, clock, rng, logger } = options;
  const label = `sqlite:${path}`;
  // Loaded late: programs on another database never need the native addon.
  const { openSqlite } = await import("./sqlite-connection.ts");
  const patience = { clock, rng, budgetMs: OPEN_BUDGET_MS };
  try {
    const connection = await whileBusy(patience, isBusy, () => openSqlite(path));
    try {
      const found = await whileBusy(patience, isBusy, () => readVersion(sqlite, connection));
      if (needsMigration(label, found, options.migrate)) {
        const { migrate } = await import("./migrate.ts");
        const source = await sqliteSource(path);
        await whileBusy(patience, isBusy, () =>
          migrate({ dialect: sqlite, source, label, mode: options.migrate, clock, logger }),
        );
      }
    } catch (thrown) {
      await connection.close();
      throw thrown;
    }
    return createSqlGateway({
      dialect: sqlite,
      connection,
      label,
      patience: { clock, rng, budgetMs: COMMIT_BUDGET_MS },
      logger,
    });
  } catch (thrown) {
    throw namedFault(sqlite, label, driverError(thrown), []);
  }
}

/** How TypeORM reaches the file. */
export async function sqliteSource(path: string): Promise<DataSourceOptions> {
  const [{ default: driver }, { prepareSqlite, SQLITE_BUSY_MS }] = await Promise.all([
    import("better-sqlite3"),
    import("./sqlite-connection.ts"),
  ]);
  return {
    type: "better-sqlite3",
    database: path,
    driver,
    timeout: SQLITE_BUSY_MS,
    prepareDatabase: prepareSqlite,
    logging: false,
  };
}

function isBusy(thrown: unknown): boolean {
  return sqlite.classify(driverError(thrown)).kind === "busy";
}

/** TypeORM wraps what the driver threw. */
function driverError(thrown: unknown): unknown {
  return typeof thrown === "object" && thrown !== null && "driverError" in thrown ? thrown.driverError : thrown;
}
