/** Opens the schema of a node, wherever it lives. */
import type { Gateway } from "../gateway.ts";
import { type DatabaseAddress, type LocateDeps, locateDatabase } from "./locate.ts";
import type { BrokenValue } from "./mended-row.ts";
import { openSchema } from "./open-schema.ts";
import type { MigrateMode } from "./version.ts";

export interface OpenGatewayOptions extends DatabaseAddress, LocateDeps {
  readonly migrate: MigrateMode;
  /** Also a schema that has been moved, or is half a copy. Default: refused (SCHEMA_MOVED). */
  readonly evenIfMoved?: boolean;
  /** Hears of each stored value that cannot be what it is, once; default: the logger does. It is read as the mildest one. */
  readonly onBrokenValue?: (broken: BrokenValue) => void;
}

/**
 * Opens the database and makes sure of its schema. Throws `DATABASE_URL` for a URL it cannot use, `SchemaError` when the
 * schema is missing, older or newer and `migrate` does not allow to change that, `SCHEMA_MOVED` when it does not count, `StoreUnavailable` when it cannot be reached,
 * `StoreForbidden` when it refuses the user, `PASSWORD_FILE` when that cannot be read.
 */
export async function openGateway(options: OpenGatewayOptions): Promise<Gateway> {
  const { url, passwordFile, ...rest } = options;
  const database = await locateDatabase({ url, ...(passwordFile !== undefined && { passwordFile }) }, options);
  return await openSchema({ ...rest, ...database });
}
