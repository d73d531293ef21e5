/** The gateway over any SQL connection: checks at the door, renders, retries what is busy, and names what went wrong. */
import { CastellanError, ensureError, type Logger, systemCode } from "@castellan/kernel";
import {
  SchemaError,
  StoreAmbiguous,
  StoreConflict,
  StoreDuplicate,
  StoreForbidden,
  StoreUnavailable,
} from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { asRow, checkQuery, checkWrite } from "../schema/checked.ts";
import { admission } from "./admission.ts";
import { BatchFailure, type Connection } from "./connection.ts";
import type { Dialect } from "./dialects/dialect.ts";
import { type BrokenValue, mendedRow } from "./mended-row.ts";
import { createLine, type LineLimits, type Patience, patiently } from "./patience.ts";
import { type BatchStatement, renderQuery, renderWrite } from "./statements.ts";

export interface SqlGatewayOptions {
  readonly dialect: Dialect;
  readonly connection: Connection;
  /** Names the database in messages; holds no secret. */
  readonly label: string;
  readonly patience: Patience;
  readonly logger: Logger;
  /** Hears of each value that somebody has broken, once; default: the logger does. */
  readonly onBrokenValue?: (broken: BrokenValue) => void;
}

/** Commits waiting for one database. */
const LINE: LineLimits = { bound: 10_000, waitMs: 10_000 };
/** How long a lock that another one holds is waited for, milliseconds. */
const BUSY_MS = 5_000;
/** How long a connection that was refused or has just broken is tried again, milliseconds; longer is the caller's choice. */
const RECONNECT_MS = 1_000;

export function createSqlGateway(options: SqlGatewayOptions): Gateway {
  const { dialect, connection, label, patience, logger } = options;
  const line = createLine(patience.clock, LINE);
  const worthMs = (thrown: unknown): number => worthOf(dialect, causeOf(thrown), BUSY_MS);
  const tellOnce = onceEach((broken) => {
    if (options.onBrokenValue) options.onBrokenValue(broken);
    else logger.warn("a stored value cannot be what it is; mend it in the database", { database: label, ...broken });
  });
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
        const rows = await patiently(patience, worthMs, () => connection.read(statement));
        return rows.flatMap((row) => {
          const mended = mendedRow(dialect, checked.table, row, tellOnce);
          return mended === null ? [] : [asRow(table, mended)];
        });
      } catch (thrown) {
        throw namedFault(dialect, label, thrown, []);
      }
    },

    async commit(writes) {
      refuseClosed();
      const statements = writes.map((write) => renderWrite(dialect, checkWrite(write)));
      if (statements.length === 0) return [];
      const all = [...statements, ...admission(dialect, writes)];
      try {
        const touched = await line.enter(() => patiently(patience, worthMs, () => connection.commit(all)));
        return touched.slice(0, statements.length);
      } catch (thrown) {
        const fault = namedFault(dialect, label, thrown, all);
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
      closing ??= line.afterAll(() => connection.close());
      return closing;
    },
  };
}

/**
 * How long a failure is worth another attempt, milliseconds. Only failures that have certainly written nothing are: a commit
 * in doubt has become a `StoreAmbiguous` by now, which is the caller's to look into.
 */
export function worthOf(dialect: Dialect, thrown: unknown, busyMs: number): number {
  if (thrown instanceof CastellanError) return 0;
  const fault = dialect.classify(thrown);
  if (fault.kind === "busy") return busyMs;
  return fault.kind === "unavailable" && fault.passing ? RECONNECT_MS : 0;
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
  // Several addresses that all refused come as one error without words; one driver adds lines with links.
  const reason = cause.message.split("\n", 1)[0] || (systemCode(cause) ?? cause.name);
  const fault = dialect.classify(cause);
  switch (fault.kind) {
    case "duplicate":
      return new StoreDuplicate(table, cause);
    case "reference":
      return new StoreConflict(at, table, "refers to a row that is gone, or is still referred to");
    case "busy":
      return new StoreUnavailable(`${label} stayed busy: ${reason}; another program holds it up`, { cause });
    case "unavailable":
      return new StoreUnavailable(`${label}: ${reason}; ${fault.remedy}`, { cause });
    case "forbidden":
      return new StoreForbidden(`${label}: ${reason}; ${fault.remedy}`, { cause });
    case "schema":
      return new SchemaError(`${label}: ${reason}; the schema is not the one this program needs: migrate it`, {
        cause,
      });
    case "defect":
      return cause;
  }
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof BatchFailure ? thrown.cause : thrown;
}

/** Tables are read every second: what is broken in them is said once. Beyond that many nobody reads them any more. */
const MOST_TOLD = 1000;

function onceEach(tell: (broken: BrokenValue) => void): (broken: BrokenValue) => void {
  const told = new Set<string>();
  return (broken) => {
    const key = `${broken.table} ${broken.row} ${broken.column} ${broken.problem}`;
    if (told.has(key) || told.size >= MOST_TOLD) return;
    told.add(key);
    tell(broken);
  };
}
