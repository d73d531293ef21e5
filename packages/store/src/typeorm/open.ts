/** The one way to a database: its URL says which. Drivers are loaded late: nobody needs more than one of them. */
import { readFile } from "node:fs/promises";
import { CastellanError, type Clock, type Logger, type Rng } from "@castellan/kernel";
import type { Gateway } from "../gateway.ts";
import { postgres } from "./dialects/postgres.ts";
import { sqlite } from "./dialects/sqlite.ts";
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
}

/**
 * Opens the database and makes sure of its schema. Throws `DATABASE_URL` for a URL it cannot use, `SchemaError` when the
 * schema is missing, older or newer and `migrate` does not allow to change that, `StoreUnavailable` when it cannot be reached.
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
      const full = await serverUrl(url, passwordFile);
      const { openPostgres, postgresSource } = await import("./postgres-connection.ts");
      const connect = () => openPostgres(full, options.logger);
      return await openSchema({ ...rest, dialect: postgres, label: url, connect, source: () => postgresSource(full) });
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

/** The URL of a server with the password put in. */
async function serverUrl(url: string, passwordFile: string | undefined): Promise<string> {
  if (!URL.canParse(url))
    throw refused("", "the database URL cannot be read; write postgres://USER@HOST:PORT/DATABASE");
  const full = new URL(url);
  if (full.password !== "" || full.searchParams.has("password")) {
    throw refused(
      full.protocol.slice(0, -1),
      "the database URL holds a password: put it into a file, and name that as passwordFile",
    );
  }
  if (passwordFile !== undefined) full.password = await firstLine(passwordFile);
  return full.href;
}

async function firstLine(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).split(/\r?\n/, 1)[0] ?? "";
  } catch (thrown) {
    throw new CastellanError("PASSWORD_FILE", `the database's password file ${path} cannot be read`, {
      details: { path },
      cause: thrown,
    });
  }
}

function refused(scheme: string, message: string): CastellanError {
  return new CastellanError("DATABASE_URL", message, { details: { scheme } });
}
