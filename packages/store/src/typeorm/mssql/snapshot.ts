/**
 * One moment of a SQL Server database: one transaction with SNAPSHOT isolation, on a connection of its own. The database must allow
 * it (`ALLOW_SNAPSHOT_ISOLATION`), and says so by error 3952 when it does not.
 */
import { type Connection, notWritten } from "../connection.ts";
import { bound, type MssqlPlace, openPool } from "./connection.ts";
import { loadMssql } from "./driver.ts";

/** Throws the driver's errors. */
export async function snapshotMssql(place: MssqlPlace): Promise<Connection> {
  const driver = loadMssql();
  const pool = await openPool(driver, place, () => undefined, "copying"); // a broken one fails the next read
  try {
    const transaction = pool.transaction();
    await transaction.begin(driver.ISOLATION_LEVEL.SNAPSHOT);
    // The moment is that of the first row that is read.
    await transaction.request().query("SELECT TOP (1) 1 AS seen FROM INFORMATION_SCHEMA.TABLES");
    return {
      read: async ({ sql, params }) => (await bound(driver, transaction.request(), params).query(sql)).recordset ?? [],
      commit: notWritten,
      async close() {
        await transaction.rollback().catch(() => undefined); // a connection that broke has done so by itself
        await pool.close();
      },
    };
  } catch (thrown) {
    await pool.close();
    throw thrown;
  }
}
