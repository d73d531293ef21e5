/** The schema as it is at one moment, while others go on writing: what a backup reads. */
import { CastellanError, type Clock, type Logger, type Rng } from "@castellan/kernel";
import type { Reader } from "../copy/pages.ts";
import { type DatabaseAddress, locateDatabase } from "./locate.ts";
import type { BrokenValue } from "./mended-row.ts";
import { whereItCounts } from "./open-schema.ts";
import { patiently } from "./patience.ts";
import { createSqlGateway, namedFault, worthOf } from "./sql-gateway.ts";
import { needsMigration, readVersion } from "./version.ts";

export interface SnapshotOptions extends DatabaseAddress {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Hears of each stored value that cannot be what it is: the copy would hold another. */
  readonly onBrokenValue: (broken: BrokenValue) => void;
}

export interface Snapshot extends Reader {
  close(): Promise<void>;
}

/** How long a lock, or a server that is just starting, is waited for, milliseconds. */
const BUSY_MS = 5_000;

/** Throws what `openGateway` throws, and NO_SNAPSHOT for a database whose readers see more than one moment. */
export async function openSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { clock, rng, logger, onBrokenValue } = options;
  const { dialect, label, snapshot } = await locateDatabase(options, options);
  if (snapshot === undefined) {
    throw new CastellanError("NO_SNAPSHOT", `${label}: no copy of one moment can be read from it: use its own means`);
  }
  const patience = { clock, rng };
  const worthMs = (thrown: unknown): number => worthOf(dialect, thrown, BUSY_MS);
  try {
    const connection = await patiently(patience, worthMs, snapshot);
    try {
      needsMigration(label, await readVersion(dialect, connection), "whole");
    } catch (thrown) {
      await connection.close();
      throw thrown;
    }
    const gateway = createSqlGateway({ dialect, connection, label, patience, logger, onBrokenValue });
    await whereItCounts(gateway, label);
    return gateway;
  } catch (thrown) {
    throw namedFault(dialect, label, thrown, []);
  }
}
