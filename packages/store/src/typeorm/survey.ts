/** What a database is, whatever is in it: for whoever looks for what is wrong. */
import { type Clock, type ClockSkew, clockSkew, type Logger, type Rng } from "@castellan/kernel";
import type { Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { type DatabaseAddress, locateDatabase } from "./locate.ts";
import { patiently } from "./patience.ts";
import { namedFault, worthOf } from "./sql-gateway.ts";
import { type Fit, fitOf, readVersion, SCHEMA_VERSION } from "./version.ts";

export interface DatabaseSurvey {
  /** Product and version: `PostgreSQL 15.8`. */
  readonly server: string;
  /** Version of the schema that it holds, 0 = none, of the one that this program needs, and whether they go together. */
  readonly schema: { readonly found: number; readonly needed: number; readonly fit: Fit };
  /** Of the server's clock; null when it is ours. */
  readonly skew: ClockSkew | null;
}

export interface SurveyOptions extends DatabaseAddress {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** How long a lock, or a server that is just starting, is waited for, milliseconds. */
const BUSY_MS = 2_000;

/** Changes nothing, but makes the file of a SQLite database that is not there. Throws what `openGateway` throws. */
export async function surveyDatabase(options: SurveyOptions): Promise<DatabaseSurvey> {
  const { clock, rng } = options;
  const { connect, dialect, label } = await locateDatabase(options, options);
  try {
    return await patiently(
      { clock, rng },
      (thrown) => worthOf(dialect, thrown, BUSY_MS),
      async () => {
        const connection = await connect();
        try {
          return await look(connection, dialect, clock);
        } finally {
          await connection.close();
        }
      },
    );
  } catch (thrown) {
    throw namedFault(dialect, label, thrown, []);
  }
}

async function look(connection: Connection, dialect: Dialect, clock: Clock): Promise<DatabaseSurvey> {
  const found = await readVersion(dialect, connection); // connects: the time that takes is none of the skew
  const before = clock.now().getTime();
  const [about] = await connection.read({ sql: dialect.aboutServer, params: [] });
  const after = clock.now().getTime();
  const { server, now_ms: theirs = null } = about ?? {};
  return {
    server: typeof server === "string" ? server : "unknown",
    schema: { found: found.version, needed: SCHEMA_VERSION, fit: fitOf(found, SCHEMA_VERSION) },
    skew: theirs === null ? null : clockSkew(Number(theirs), before, after),
  };
}
