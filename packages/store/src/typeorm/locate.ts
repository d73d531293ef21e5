/** The one way to a database: its URL says which. Drivers are loaded late: nobody needs more than one of them. */
import { CastellanError, type Clock, ensureError, type Logger, type Rng } from "@castellan/kernel";
import type { Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { mssql } from "./dialects/mssql.ts";
import { oracle } from "./dialects/oracle.ts";
import { postgres } from "./dialects/postgres.ts";
import { sqlite } from "./dialects/sqlite.ts";
import type { MigrationSession } from "./migration-session.ts";
import { readPassword } from "./password-file.ts";

export interface DatabaseAddress {
  /** `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`. A password in it is refused: it would show in logs. */
  readonly url: string;
  /** A file whose first line is the password. */
  readonly passwordFile?: string;
}

export interface LocatedDatabase {
  readonly dialect: Dialect;
  /** Names the database in messages; holds no secret. */
  readonly label: string;
  readonly connect: () => Connection | Promise<Connection>;
  /** A connection that sees one moment only; missing where the database has none to offer. */
  readonly snapshot?: () => Promise<Connection>;
  /** Under the lock of migrations; asked for only when one must run: TypeORM is loaded for it. */
  readonly migration: () => Promise<MigrationSession>;
}

export interface LocateDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rng: Rng;
  /** A SQLite file in a thread of its own: for programs that must go on while a disk is slow. */
  readonly apart?: boolean;
}

/** Connects to nothing yet. Throws `DATABASE_URL` for a URL it cannot use, `PASSWORD_FILE` when that cannot be read. */
export async function locateDatabase(
  { url, passwordFile }: DatabaseAddress,
  { clock, logger, rng, apart = false }: LocateDeps,
): Promise<LocatedDatabase> {
  const scheme = /^([a-z]+):/.exec(url)?.[1] ?? "";
  switch (scheme) {
    case "sqlite": {
      const path = sqlitePath(url);
      const { openSqlite, sqliteSource } = await import("./sqlite-connection.ts");
      return {
        dialect: sqlite,
        label: `sqlite:${path}`,
        connect: apart
          ? async () => (await import("./sqlite-apart.ts")).openSqliteApart(path, clock)
          : () => openSqlite(path),
        snapshot: async () => (await import("./sqlite-snapshot.ts")).snapshotSqlite(path),
        migration: async () => (await typeormSession()).openTypeormSession(sqlite, sqliteSource(path)),
      };
    }
    case "postgres":
    case "postgresql": {
      const { addressParts } = await import("./postgres-settings.ts");
      const { openPostgres, postgresSource } = await import("./postgres-connection.ts");
      const address = { url: serverUrl(url), passwordFile: passwordFile ?? null };
      readable(scheme, () => addressParts(address));
      // Read again for every connection; once now, so that a missing one is said at once.
      if (passwordFile !== undefined) await readPassword(passwordFile);
      return {
        dialect: postgres,
        label: url,
        connect: () => openPostgres(address, clock, logger),
        snapshot: async () => (await import("./postgres-snapshot.ts")).snapshotPostgres(address, clock),
        migration: async () => (await typeormSession()).openTypeormSession(postgres, postgresSource(address)),
      };
    }
    case "mssql": {
      const { mssqlSettings } = await import("./mssql/settings.ts");
      const { openMssql, openMssqlMigration } = await import("./mssql/connection.ts");
      const settings = readable(scheme, () => mssqlSettings(serverUrl(url)));
      const place = { settings, passwordFile: settings.needsSecret ? (passwordFile ?? null) : null };
      if (place.passwordFile !== null) await readPassword(place.passwordFile);
      return {
        dialect: mssql,
        label: url,
        connect: () => openMssql(place, { rng, logger }),
        snapshot: async () => (await import("./mssql/snapshot.ts")).snapshotMssql(place),
        migration: () => openMssqlMigration(place),
      };
    }
    case "oracle": {
      const { oracleParts } = await import("./oracle/settings.ts");
      const { loadOracle } = await import("./oracle/driver.ts");
      const { openOracle, snapshotOracle } = await import("./oracle/connection.ts");
      const address = { url: serverUrl(url), passwordFile: passwordFile ?? null };
      readable(scheme, () => oracleParts(url));
      if (passwordFile !== undefined) await readPassword(passwordFile);
      const rim = { driver: loadOracle(), clock, logger };
      return {
        dialect: oracle,
        label: url,
        connect: () => openOracle(address, rim),
        snapshot: () => snapshotOracle(address, rim),
        migration: async () => (await import("./oracle/migration.ts")).openOracleMigration(address, rim),
      };
    }
    default:
      throw refused(scheme, "a database URL begins with sqlite:, postgres://, mssql:// or oracle://");
  }
}

const typeormSession = () => import("./typeorm-session.ts");

/** `sqlite:PATH`, and `sqlite:///absolute/path` as other programs write it. */
function sqlitePath(url: string): string {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw refused("sqlite", "sqlite: needs the path of a file after the colon");
  return path;
}

/** What drivers call a secret in a URL: `password`, `sslpassword`, `wallet_password`, `clientSecret`. */
const SECRET = /passw|pwd|secret/i;

/** The URL of a server, which holds no password. */
function serverUrl(url: string): string {
  if (!URL.canParse(url))
    throw refused("", "the database URL cannot be read; write postgres://USER@HOST:PORT/DATABASE");
  const { password, searchParams, protocol } = new URL(url);
  if (password !== "" || [...searchParams.keys()].some((name) => SECRET.test(name))) {
    throw refused(
      protocol.slice(0, -1),
      "the database URL holds a password: put it into a file, and name that as passwordFile",
    );
  }
  return url;
}

/** What a URL says is looked at, and the files for TLS are read that it names. */
function readable<R>(scheme: string, read: () => R): R {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof CastellanError) throw thrown;
    throw refused(scheme, `the database URL cannot be used: ${ensureError(thrown).message}`);
  }
}

function refused(scheme: string, message: string): CastellanError {
  return new CastellanError("DATABASE_URL", message, { details: { scheme } });
}
