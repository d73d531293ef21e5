/** From a connection to a gateway, the same for every database: the schema is checked, migrated if need be, then served. */
import type { Clock, Logger, Rng } from "@castellan/kernel";
import { readMark, requireCounting } from "../copy/mark.ts";
import type { Gateway } from "../gateway.ts";
import type { LocatedDatabase } from "./locate.ts";
import type { BrokenValue } from "./mended-row.ts";
import { patiently } from "./patience.ts";
import { createSqlGateway, namedFault, worthOf } from "./sql-gateway.ts";
import { type MigrateMode, needsMigration, readVersion } from "./version.ts";

export interface OpenSchemaOptions extends LocatedDatabase {
  readonly clock: Clock;
  readonly rng: Pick<Rng, "next">;
  readonly logger: Logger;
  readonly migrate: MigrateMode;
  readonly evenIfMoved?: boolean;
  readonly onBrokenValue?: (broken: BrokenValue) => void;
}

/** Opening may have to wait for another process that is just migrating, or for a server that is just starting, milliseconds. */
const OPEN_BUSY_MS = 30_000;

export async function openSchema(options: OpenSchemaOptions): Promise<Gateway> {
  const { dialect, label, clock, rng, logger, migrate: mode } = options;
  const patience = { clock, rng };
  const worthMs = (thrown: unknown): number => worthOf(dialect, driverError(thrown), OPEN_BUSY_MS);
  try {
    const connection = await patiently(patience, worthMs, options.connect);
    try {
      const found = await patiently(patience, worthMs, () => readVersion(dialect, connection));
      if (needsMigration(label, found, mode)) {
        // TypeORM is loaded here and nowhere else: see `statements.ts`.
        const { migrate } = await import("./migrate.ts");
        const { migration } = options;
        await patiently(patience, worthMs, () => migrate({ dialect, migration, label, mode, clock, logger }));
      }
    } catch (thrown) {
      await connection.close();
      throw thrown;
    }
    const { onBrokenValue, evenIfMoved = false } = options;
    const told = onBrokenValue && { onBrokenValue };
    const gateway = createSqlGateway({ dialect, connection, label, patience, logger, ...told });
    if (!evenIfMoved) await whereItCounts(gateway, label);
    return gateway;
  } catch (thrown) {
    throw namedFault(dialect, label, driverError(thrown), []);
  }
}

/** Throws SCHEMA_MOVED, and ends what it refuses. */
export async function whereItCounts(gateway: Gateway, label: string): Promise<void> {
  try {
    requireCounting(label, await readMark(gateway));
  } catch (thrown) {
    await gateway.close();
    throw thrown;
  }
}

/** TypeORM wraps what the driver threw. */
function driverError(thrown: unknown): unknown {
  return typeof thrown === "object" && thrown !== null && "driverError" in thrown ? thrown.driverError : thrown;
}
