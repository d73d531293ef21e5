/** One moment of a SQLite file: a read transaction of WAL, which holds up nobody's commits. */
import Database from "better-sqlite3";
import { type Connection, notWritten } from "./connection.ts";

const BUSY_MS = 20;

/** Throws the driver's errors. While it is open the file of the log only grows. */
export function snapshotSqlite(path: string): Connection {
  const database = new Database(path, { timeout: BUSY_MS });
  try {
    database.exec("BEGIN");
    // The first read chooses the moment.
    database.prepare("SELECT COUNT(*) FROM sqlite_master").get();
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return {
    read: async ({ sql, params }) =>
      database.prepare<(string | number | null)[], Record<string, unknown>>(sql).all(...params),
    commit: notWritten,
    close: async () => {
      database.close();
    },
  };
}
