/** The one way to a database: its URL says which. */
import { CastellanError, type Clock, type Logger, type Rng } from "@castellan/kernel";
import type { Gateway } from "../gateway.ts";
import { openSqliteGateway } from "./sqlite-gateway.ts";
import type { MigrateMode } from "./version.ts";

export interface OpenGatewayOptions {
  /** `sqlite:PATH`. A password in it is refused: it would show in process lists and logs. */
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
  const { url, clock, rng, logger, migrate } = options;
  const scheme = /^([a-z]+):/.exec(url)?.[1] ?? "";
  switch (scheme) {
    case "sqlite":
      return await openSqliteGateway({ path: sqlitePath(url), clock, rng, logger, migrate });
    case "postgres":
    case "mssql":
    case "oracle":
      throw refused(scheme, `${scheme}:// is not served yet; use sqlite:PATH`);
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

function refused(scheme: string, message: string): CastellanError {
  return new CastellanError("DATABASE_URL", message, { details: { scheme } });
}
