/**
 * An Oracle server. A commit is one block (`commit-block.ts`); one that nobody knows the end of is settled before anything
 * else is asked, so what is read after a `StoreAmbiguous` is final.
 */
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import { StoreAmbiguous, StoreUnavailable } from "../../errors.ts";
import { BatchFailure, type Connection, notWritten } from "../connection.ts";
import { isAnswer, isInterrupted, isUnsent, oracleCode } from "../dialects/oracle-faults.ts";
import type { BatchStatement, Statement } from "../statements.ts";
import { batchText, COMMIT_BLOCK, FORGET_TICKETS, readOutcome, voidTicket } from "./commit-block.ts";
import { cutOff, type OracleDriver, type OracleOptions, type OracleResult } from "./driver.ts";
import { answered, openSession } from "./session.ts";
import { createSessions, type OracleDesk } from "./sessions.ts";
import type { OracleAddress } from "./settings.ts";

/** Rows that come with the first answer, and with each further one. */
const ROWS_A_TRIP = 500;
const MOST_WORDS = 500;
/** `counts` of the block: some 10,000 statements. */
const MOST_COUNTS = 32_767;

export interface OracleRim {
  readonly driver: OracleDriver;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens nothing yet: the first statement connects. */
export function openOracle(address: OracleAddress, { driver, clock, logger }: OracleRim): Connection {
  const sessions = createSessions(() => openSession(driver, address, clock), clock, logger);
  const lost = new Set<string>();
  let commits = 0;

  /** Every commit in doubt has happened after this, or never will. */
  const settle = async (desk: OracleDesk): Promise<void> => {
    for (const ticket of lost) {
      await voided(desk, ticket);
      lost.delete(ticket);
    }
  };

  return {
    read: (statement) =>
      sessions.use(async (desk) => {
        await settle(desk);
        return await rowsOf(desk, driver, statement);
      }),

    commit: (statements) =>
      sessions.use(async (desk) => {
        await settle(desk);
        commits += 1;
        const ticket = `${desk.name}.${commits}`;
        try {
          return await committed(desk, driver, statements, ticket);
        } catch (thrown) {
          if (isCertain(thrown)) throw thrown;
          lost.add(ticket);
          const what = isInterrupted(thrown) ? "a commit was interrupted" : "the connection broke during a commit";
          throw new StoreAmbiguous(`${what}: ${ensureError(thrown).message}`, { cause: thrown });
        }
      }),

    close: () => sessions.close(),
  };
}

/** Whether it is known what became of a commit. */
function isCertain(thrown: unknown): boolean {
  if (thrown instanceof BatchFailure || isUnsent(thrown)) return true;
  return isAnswer(thrown) && !isInterrupted(thrown);
}

/** One moment of the schema, for as long as the server keeps its undo: `ORA-01555` after that. */
export async function snapshotOracle(
  address: OracleAddress,
  { driver, clock, logger }: OracleRim,
): Promise<Connection> {
  const opened = await openSession(driver, address, clock);
  try {
    await answered(opened.session, clock, "SET TRANSACTION READ ONLY");
  } catch (thrown) {
    cutOff(opened.session);
    throw thrown;
  }
  const sessions = createSessions(async () => opened, clock, logger);
  return {
    read: (statement) => sessions.use((desk) => rowsOf(desk, driver, statement)),
    commit: notWritten,
    close: () => sessions.close(),
  };
}

async function committed(
  desk: OracleDesk,
  driver: OracleDriver,
  statements: readonly BatchStatement[],
  ticket: string,
): Promise<readonly number[]> {
  const out = (type: unknown, maxSize?: number) => ({ dir: driver.BIND_OUT, type, ...(maxSize && { maxSize }) });
  const { outBinds = {} } = await desk.call(COMMIT_BLOCK, {
    batch: batchText(statements),
    ticket,
    counts: out(driver.STRING, MOST_COUNTS),
    failed: out(driver.NUMBER),
    code: out(driver.NUMBER),
    reason: out(driver.STRING, MOST_WORDS * 4),
  });
  const { counts, failed, code, reason } = readOutcome(outBinds);
  if (counts !== null) return counts;
  // Somebody of ours has given this very commit up already.
  if (failed < 0) throw new StoreUnavailable("the commit was given up while it was on its way");
  if (code === 0) throw new BatchFailure(failed, undefined);
  const cause = Object.assign(new Error(reason), { code: `ORA-${String(-code).padStart(5, "0")}` });
  throw new BatchFailure(failed, cause);
}

async function voided(desk: OracleDesk, ticket: string): Promise<void> {
  const { sql, params } = voidTicket(ticket);
  try {
    await desk.call(sql, params, { autoCommit: true });
    await desk.call(FORGET_TICKETS.sql, FORGET_TICKETS.params, { autoCommit: true });
  } catch (thrown) {
    const code = oracleCode(thrown);
    if (code === "NJS-123") throw new StoreUnavailable("an earlier commit is still under way on the server: try again");
    // An attempt before this one took it.
    if (code !== "ORA-00001") throw thrown;
  }
}

/** By lower-case names, as everywhere else. */
async function rowsOf(
  desk: OracleDesk,
  driver: OracleDriver,
  { sql, params }: Statement,
): Promise<Record<string, unknown>[]> {
  return namedRows(await desk.call(sql, params, readOptions(driver)));
}

const readOptions = (driver: OracleDriver): OracleOptions => ({
  prefetchRows: ROWS_A_TRIP,
  fetchArraySize: ROWS_A_TRIP,
  // A CLOB as text, not as a stream of its own.
  fetchTypeHandler: ({ dbType }) => (dbType === driver.CLOB ? { type: driver.STRING } : undefined),
});

export function namedRows({ metaData = [], rows = [] }: OracleResult): Record<string, unknown>[] {
  const names = metaData.map(({ name }) => name.toLowerCase());
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
}
