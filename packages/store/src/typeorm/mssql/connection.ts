/**
 * A SQL Server, through a small pool that is empty when nothing is asked for a while.
 *
 * M4 A commit is one request, so the server ends its transaction, not this program (`mssql-commit.ts`). What the server answers is
 *    certain; without an answer it is unknown (`StoreAmbiguous`) until it is settled (`lost-commits.ts`).
 * M5 Nothing is asked of the server before what was lost is settled: what is read after a `StoreAmbiguous` is final.
 */
import { ensureError, type Logger, type Rng, systemCode } from "@castellan/kernel";
import { StoreAmbiguous, StoreUnavailable } from "../../errors.ts";
import { BatchFailure, type Connection } from "../connection.ts";
import { mssql } from "../dialects/mssql.ts";
import { COMMIT_BATCH, GUARD_MISSED, parseCommitAnswer, SESSION_LIMITS } from "../dialects/mssql-commit.ts";
import { numberOf } from "../dialects/mssql-faults.ts";
import type { MigrationSession } from "../migration-session.ts";
import { passwordNow } from "../password-file.ts";
import type { BatchStatement, Statement } from "../statements.ts";
import { loadMssql, type MssqlDriver, type MssqlPool, type MssqlRequest } from "./driver.ts";
import { createLostCommits, SETTLE } from "./lost-commits.ts";
import type { MssqlSettings, MssqlWork } from "./settings.ts";

export interface MssqlPlace {
  readonly settings: MssqlSettings;
  readonly passwordFile: string | null;
}

export interface MssqlTools {
  readonly rng: Pick<Rng, "bytes">;
  readonly logger: Logger;
}

/** Opens nothing yet: the first statement connects. */
export function openMssql(place: MssqlPlace, { rng, logger }: MssqlTools): Connection {
  const driver = loadMssql();
  const lost = createLostCommits();
  const name = Buffer.from(rng.bytes(12)).toString("hex");
  let commits = 0;
  let opened: Promise<MssqlPool> | undefined;
  /** Holds the names of lost commits, so that none of them begins late: not for serving, which it would be closed after. */
  let settler: Promise<MssqlPool> | undefined;
  const onError = (error: Error): void => {
    logger.warn("an idle database connection broke; the next statement opens another", { reason: error.message });
  };

  /** The pool, connected. One whose first login failed is thrown away, and with it the password that it knew. */
  const pool = async (): Promise<MssqlPool> => {
    opened ??= openPool(driver, place, onError).catch((thrown: unknown) => {
      opened = undefined;
      throw thrown;
    });
    return await opened;
  };
  const settled = async (): Promise<MssqlPool> => {
    const connected = await pool();
    const isSettled = await lost.settle(async (ticket) => {
      settler ??= openPool(driver, place, onError, "settling").catch((thrown: unknown) => {
        settler = undefined;
        throw thrown;
      });
      const { recordset } = await (await settler).request().input("ticket", driver.NVarChar(64), ticket).query(SETTLE);
      return Number(recordset?.[0]?.["granted"]) >= 0;
    });
    if (!isSettled) throw new StoreUnavailable("an earlier commit is still under way on the server: try again");
    return connected;
  };
  /** A password may have changed since the pool was opened: the next attempt reads it again. */
  const forget = (thrown: unknown): void => {
    if (systemCode(thrown) !== "ELOGIN" || opened === undefined) return;
    const old = opened;
    opened = undefined;
    old.then((one) => one.close()).catch((failed: unknown) => onError(ensureError(failed)));
  };

  /** What goes wrong here has nothing to do with the statement that is to come: that was not sent. */
  const ready = async (): Promise<MssqlRequest> => {
    try {
      return (await settled()).request();
    } catch (thrown) {
      forget(thrown);
      throw thrown;
    }
  };

  return {
    async read({ sql, params }) {
      const request = await ready();
      try {
        const { recordset } = await bound(driver, request, params).query(`${SESSION_LIMITS} ${sql}`);
        return recordset ?? [];
      } catch (thrown) {
        forget(thrown);
        throw thrown;
      }
    },

    async commit(statements) {
      commits += 1;
      const ticket = `castellan ${name} ${commits}`;
      const request = await ready();
      try {
        const { recordset } = await request
          .input("batch", driver.NVarChar(driver.MAX), batchOf(statements))
          .input("ticket", driver.NVarChar(64), ticket)
          .query(COMMIT_BATCH);
        const answer = parseCommitAnswer(recordset?.[0]);
        if ("counts" in answer) return answer.counts;
        const { refused, reached } = answer;
        throw new BatchFailure(reached, refused.number === GUARD_MISSED ? undefined : refused);
      } catch (thrown) {
        forget(thrown);
        if (isCertain(thrown)) throw thrown;
        lost.add(ticket);
        const { message } = ensureError(thrown);
        throw new StoreAmbiguous(`the connection broke during a commit: ${message}`, { cause: thrown });
      }
    },

    async close() {
      for (const one of [opened, settler]) {
        const last = await one?.catch(() => undefined); // it never came to be
        await last?.close();
      }
    },
  };
}

/** One connection in one transaction, with the lock of migrations. */
export async function openMssqlMigration(place: MssqlPlace): Promise<MigrationSession> {
  const driver = loadMssql();
  const pool = await openPool(driver, place, () => undefined, "migrating"); // a broken one fails the next statement
  try {
    const transaction = pool.transaction();
    await transaction.begin();
    const run: MigrationSession["run"] = async (sql, params = []) =>
      (await bound(driver, transaction.request(), params).query(sql)).recordset ?? [];
    try {
      for (const statement of mssql.beginMigration) await run(statement);
    } catch (thrown) {
      await transaction.rollback().catch(() => undefined); // the server may have done so by itself
      throw thrown;
    }
    return {
      run,
      commit: async () => void (await transaction.commit()),
      rollback: async () => void (await transaction.rollback()),
      close: async () => void (await pool.close()),
    };
  } catch (thrown) {
    await pool.close();
    throw thrown;
  }
}

export async function openPool(
  driver: MssqlDriver,
  { settings, passwordFile }: MssqlPlace,
  onError: (error: Error) => void,
  work: MssqlWork = "serving",
): Promise<MssqlPool> {
  const secret = passwordFile === null ? null : await passwordNow(passwordFile);
  const pool = new driver.ConnectionPool(settings.config(secret, work));
  pool.on("error", onError);
  await pool.connect();
  return pool;
}

/** Longer texts than this have no place in a condition. */
const LONGEST = 4_000;

export function bound(driver: MssqlDriver, request: MssqlRequest, params: Statement["params"]): MssqlRequest {
  params.forEach((value, position) => {
    request.input(String(position), typeof value === "number" ? driver.BigInt : driver.NVarChar(LONGEST), value);
  });
  return request;
}

const batchOf = (statements: readonly BatchStatement[]): string =>
  JSON.stringify(statements.map(({ sql, params, expect }) => ({ sql, params, expect })));

/** From here up the server ends the session with its error, whatever that was doing. */
const FATAL = 20;

/** Whether it is known what became of a commit: the server said so, or it was never sent. */
function isCertain(thrown: unknown): boolean {
  if (thrown instanceof BatchFailure) return true;
  if (numberOf(thrown) !== undefined) return !(hasClass(thrown) && thrown.class >= FATAL);
  // An error of a request is one of a connection that was there.
  return !(thrown instanceof Error && thrown.name === "RequestError");
}

function hasClass(thrown: unknown): thrown is { readonly class: number } {
  return typeof thrown === "object" && thrown !== null && "class" in thrown && typeof thrown.class === "number";
}
