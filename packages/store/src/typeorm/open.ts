/** The one way to a database: its URL says which. Drivers are loaded late: nobody needs more than one of them. */
import { CastellanError, type Clock, ensureError, type Logger, type Rng } from "@castellan/kernel";
import type { Gateway } from "../gateway.ts";
import { postgres } from "./dialects/postgres.ts";
import { sqlite } from "./dialects/sqlite.ts";
import type { BrokenValue } from "./mended-row.ts";
import { openSchema } from "./open-schema.ts";
import type { MigrateMode } from "./version.ts";

export interface OpenGatewayOptions {
  /** `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`. A password in it is refused: it would show in logs. */
  readonly url: string;
  /** A file whose first line is the password. */
  readonly passwordFile?: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly migrate: MigrateMode;
  /** Hears of each stored value that cannot be what it is, once; default: the logger does. It is read as the mildest one. */
  readonly onBrokenValue?: (broken: BrokenValue) => void;
}

/**
 * Opens the database and makes sure of its schema. Throws `DATABASE_URL` for a URL it cannot use, `SchemaError` when the
 * schema is missing, older or newer and `migrate` does not allow to change that, `StoreUnavailable` when it cannot be reached,
 * `StoreForbidden` when it refuses the user, `PASSWORD_FILE` when that cannot be read.
 */
export async function openGateway(options: OpenGatewayOptions): Promise<Gateway> {
  const { url, passwordFile, ...rest } = options;
  const scheme = /^([a-z]+):/.exec(url)?.[1] ?? "";
  switch (scheme) {
    case "sqlite": {
      const path = sqlitePath(url);
      const { openSqlite, sqliteSource } = await import("./sqlite-connection.ts");
      const connect = () => openSqlite(path);
      return await openSchema({
        ...rest,
        dialect: sqlite,
        label: `sqlite:${path}`,
        connect,
        source: () => sqliteSource(path),
      });
    }
    case "postgres":
    case "postgresql": {
      const { addressParts, readPassword } = await import("./postgres-settings.ts");
      const { openPostgres, postgresSource } = await import("./postgres-connection.ts");
      const address = { url: serverUrl(url), passwordFile: passwordFile ?? null };
      readable(() => addressParts(address));
      // Read again for every connection; once now, so that a missing one is said at once.
      if (passwordFile !== undefined) await readPassword(passwordFile);
      const connect = () => openPostgres(address, options.clock, options.logger);
      return await openSchema({
        ...rest,
        dialect: postgres,
        label: url,
        connect,
        source: () => postgresSource(address),
      });
    }
    case "mssql":
    case "oracle":
      throw refused(scheme, `${scheme}:// is not served yet; use sqlite:PATH or postgres://`);
    default:
      throw refused(scheme, "a database URL begins with sqlite:, postgres://, mssql:// or oracle://");
  }
}

/** `sqlite:PATH`, and `sqlite:///absolute/path` as other programs write it. */
function sqlitePath(url: string): string {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  if (path === "") throw refused("sqlite", "sqlite: needs the path of a file after the colon");
  return path;
}

/** The URL of a server, which holds no password. */
function serverUrl(url: string): string {
  if (!URL.canParse(url))
    throw refused("", "the database URL cannot be read; write postgres://USER@HOST:PORT/DATABASE");
  const { password, searchParams, protocol } = new URL(url);
  if (password !== "" || searchParams.has("password")) {
    throw refused(
      protocol.slice(0, -1),
      "the database URL holds a password: put it into a file, and name that as passwordFile",
    );
  }
  return url;
}

/** The driver reads files that the URL names, for TLS. */
function readable(read: () => void): void {
  try {
    read();
  } catch (thrown) {
    throw refused("postgres", `the database URL cannot be used: ${ensureError(thrown).message}`);
  }
}

function refused(scheme: string, message: string): CastellanError {
  return new CastellanError("DATABASE_URL", message, { details: { scheme } });
}
