/** The gateway over any SQL connection: checks at the door, renders, retries what is busy, and names what went wrong. */
import { CastellanError, ensureError, type Logger } from "@castellan/kernel";
import { SchemaError, StoreAmbiguous, StoreConflict, StoreDuplicate, StoreUnavailable } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { asRow, checkQuery, checkWrite } from "../schema/checked.ts";
import type { Shape } from "../schema/columns.ts";
import { columnOf, type Value, type Values } from "../schema/values.ts";
import { BatchFailure, type Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { createLine, type Patience, whileBusy } from "./patience.ts";
import { type BatchStatement, renderQuery, renderWrite } from "./statements.ts";

export interface SqlGatewayOptions {
  readonly dialect: Dialect;
  readonly connection: Connection;
  /** Names the database in messages; holds no secret. */
  readonly label: string;
  readonly patience: Patience;
  readonly logger: Logger;
}

/** More commits than this waiting for one database is an overload that waiting does not cure. */
const WAITING_COMMITS = 10_000;

export function createSqlGateway(options: SqlGatewayOptions): Gateway {
  const { dialect, connection, label, patience, logger } = options;
  const inLine = createLine(WAITING_COMMITS);
  const isBusy = (thrown: unknown): boolean => dialect.classify(causeOf(thrown)).kind === "busy";
  let closing: Promise<void> | undefined;
  const refuseClosed = (): void => {
    if (closing !== undefined) throw new StoreUnavailable("the gateway is closed");
  };

  return {
    async find(table, query = {}) {
      refuseClosed();
      const checked = checkQuery(table, query);
      const statement = renderQuery(dialect, checked);
      try {
        const rows = await whileBusy(patience, isBusy, () => connection.read(statement));
        return rows.map((row) => asRow(table, decodeRow(dialect, checked.table, row)));
      } catch (thrown) {
        throw namedFault(dialect, label, thrown, []);
      }
    },

    async commit(writes) {
      refuseClosed();
      const statements = writes.map((write) => renderWrite(dialect, checkWrite(write)));
      if (statements.length === 0) return [];
      try {
        return await inLine(() => whileBusy(patience, isBusy, () => connection.commit(statements)));
      } catch (thrown) {
        const fault = namedFault(dialect, label, thrown, statements);
        if (fault instanceof StoreUnavailable || fault instanceof StoreAmbiguous) {
          logger.warn("a commit did not reach the database; the caller decides whether to try again", {
            database: label,
            reason: fault.message,
          });
        }
        throw fault;
      }
    },

    close() {
      // After the commits that are already in line.
      closing ??= inLine(() => connection.close());
      return closing;
    },
  };
}

/** What the driver threw, in the words of `errors.ts`. */
export function namedFault(
  dialect: Dialect,
  label: string,
  thrown: unknown,
  statements: readonly BatchStatement[],
): Error {
  if (thrown instanceof CastellanError) return thrown;
  const at = thrown instanceof BatchFailure ? thrown.at : 0;
  const table = statements[at]?.table ?? label;
  if (thrown instanceof BatchFailure && thrown.cause === undefined) return new StoreConflict(at, table);
  const cause = ensureError(causeOf(thrown));
  const fault = dialect.classify(cause);
  switch (fault.kind) {
    case "duplicate":
      return new StoreDuplicate(table, cause);
    case "reference":
      return new StoreConflict(at, table, "refers to a row that is gone, or is still referred to");
    case "busy":
      return new StoreUnavailable(`${label} is busy`, { cause });
    case "unavailable":
      return new StoreUnavailable(`${label}: ${cause.message}; ${fault.remedy}`, { cause });
    case "ambiguous":
      return new StoreAmbiguous(`${label}: the connection broke during a commit: ${cause.message}`, { cause });
    case "schema":
      return new SchemaError(`${label}: ${cause.message}; the schema is not the one this program needs: migrate it`, {
        cause,
      });
    case "defect":
      return cause;
  }
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof BatchFailure ? thrown.cause : thrown;
}

/** The parser of rows: every column of the table, each of its kind. */
function decodeRow(dialect: Dialect, table: Shape, raw: Readonly<Record<string, unknown>>): Values {
  const row: Record<string, Value> = {};
  for (const name in table.columns) row[name] = dialect.decode(columnOf(table, name), raw[name]);
  return row;
}
