/**
 * A migration on Oracle, where each DDL statement commits by itself: one session holds the lock, another does the work. A
 * migration that was broken off has done a part of its statements; run again, it passes those over and does the rest.
 */
import { oracleCode } from "../dialects/oracle-faults.ts";
import type { MigrationSession } from "../migration-session.ts";
import { namedRows, type OracleRim } from "./connection.ts";
import type { OracleResult, OracleSession } from "./driver.ts";
import { answered, openSession, seeOff } from "./session.ts";
import { MIGRATING_MS, type OracleAddress } from "./settings.ts";

export const LOCK_TABLE = "MIGRATION_LOCK";
/** Run before the lock is taken, by whoever comes: the second one finds it there. */
export const MAKE_LOCK = `CREATE TABLE "${LOCK_TABLE}" ("HELD" NUMBER(1))`;
/** `ORA-00054` after ten seconds. Ends with the session that has it, whatever ends that. */
export const TAKE_LOCK = `LOCK TABLE "${LOCK_TABLE}" IN EXCLUSIVE MODE WAIT 10`;

/** What a statement meets that an earlier run has carried out already: a table, an index, a column, a constraint of that name. */
const DONE_BEFORE = /^ORA-(00955|01408|01430|02260|02264|02275)$/;
const IS_DDL = /^\s*(CREATE|ALTER)\b/i;

export async function openOracleMigration(address: OracleAddress, rim: OracleRim): Promise<MigrationSession> {
  const { clock, logger } = rim;
  const opened: OracleSession[] = [];
  const open = async (): Promise<OracleSession> => {
    const { session } = await openSession(rim.driver, address, clock);
    session.callTimeout = MIGRATING_MS;
    opened.push(session);
    return session;
  };
  const close = async (): Promise<void> => {
    // The one with the lock last.
    for (const session of opened.splice(0).reverse()) await seeOff(session, clock, logger);
  };
  try {
    const keeper = await open();
    await unlessDone(() => answered(keeper, clock, MAKE_LOCK));
    await answered(keeper, clock, TAKE_LOCK);
    const worker = await open();
    const run: MigrationSession["run"] = async (sql, params) => {
      const work = () => answered(worker, clock, sql, params);
      return namedRows(IS_DDL.test(sql) ? await unlessDone(work) : await work());
    };
    return {
      run,
      commit: async () => void (await run("COMMIT")),
      rollback: async () => void (await run("ROLLBACK")),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function unlessDone(run: () => Promise<OracleResult>): Promise<OracleResult> {
  try {
    return await run();
  } catch (thrown) {
    if (!DONE_BEFORE.test(oracleCode(thrown))) throw thrown;
    return {};
  }
}
