/**
 * One SQLite file, shared with other processes of this host.
 *
 * Q1 A commit is one synchronous BEGIN IMMEDIATE ... COMMIT on the one handle: no other coroutine gets between (the handle
 *    has one transaction for all of them), and no reader has to become a writer (which fails at once when another wrote).
 * Q2 SQLite waits for a lock at most 20 ms, for that wait stops the whole program; longer waits are the caller's, who can
 *    sleep between attempts.
 * Q3 WAL with synchronous=FULL: what a commit said is on disk, also after a power cut.
 * Q4 What is read and written is what stands at the path: a handle on a file that was deleted or replaced would take commits
 *    that nobody ever sees.
 */
import { type BigIntStats, statSync } from "node:fs";
import { systemCode } from "@castellan/kernel";
import Database from "better-sqlite3";
import type { DataSourceOptions } from "typeorm";
import { StoreAmbiguous, StoreUnavailable } from "../errors.ts";
import { BatchFailure, type Connection } from "./connection.ts";
import type { BatchStatement } from "./statements.ts";

const SQLITE_BUSY_MS = 20;
/** Statement texts are few (tables x shapes of writes); the bound is for lists of every length. */
const CACHED_STATEMENTS = 200;

/** Throws the driver's errors: cannot open, busy. `mustExist`: it was there before, and an empty one in its place would be nobody's. */
export function openSqlite(path: string, { mustExist = false }: { readonly mustExist?: boolean } = {}): Connection {
  let open = openFile(path, mustExist);
  /** The handle of what stands at the path now. */
  const current = (): OpenFile => {
    const identity = identityOf(path);
    if (identity === open.identity) return open;
    const successor = openFile(path, true);
    open.database.close();
    open = successor;
    return open;
  };

  return {
    read: async ({ sql, params }) =>
      current()
        .prepare(sql)
        .all(...params),
    commit: async (statements) => {
      const { database, prepare } = current();
      database.exec("BEGIN IMMEDIATE");
      try {
        const touched = statements.map((statement, at) => run(prepare, statement, at));
        finish(database);
        return touched;
      } finally {
        // Also when COMMIT itself failed; SQLite has then sometimes rolled back by itself.
        if (database.inTransaction) database.exec("ROLLBACK");
      }
    },
    close: async () => {
      open.database.close();
    },
  };
}

interface OpenFile {
  readonly database: Database.Database;
  readonly prepare: (sql: string) => Prepared;
  readonly identity: string | null;
}

function openFile(path: string, mustExist: boolean): OpenFile {
  if (mustExist && identityOf(path) === null) {
    throw new StoreUnavailable(`${path} was deleted while it was in use: put it back, from a backup if need be`);
  }
  const database = new Database(path, { timeout: SQLITE_BUSY_MS, fileMustExist: mustExist });
  try {
    prepareSqlite(database);
    return { database, prepare: cachedPrepare(database), identity: identityOf(path) };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Which file stands at the path; null when there is none. Two microseconds, beside a sync of the disk. */
function identityOf(path: string): string | null {
  const found: BigIntStats | undefined = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev} ${found.ino}`;
}

function run(prepare: OpenFile["prepare"], statement: BatchStatement, at: number): number {
  try {
    const { changes } = prepare(statement.sql).run(...statement.params);
    if (statement.expect === null || statement.expect === changes) return changes;
  } catch (thrown) {
    throw new BatchFailure(at, thrown);
  }
  throw new BatchFailure(at, undefined);
}

/** When the disk fails under COMMIT, nobody can tell what a later reader finds: the last block may have reached it. */
function finish(database: Database.Database): void {
  try {
    database.exec("COMMIT");
  } catch (thrown) {
    if (systemCode(thrown)?.startsWith("SQLITE_IOERR") !== true) throw thrown;
    throw new StoreAmbiguous("the disk failed while a commit was written: check the file system", { cause: thrown });
  }
}

/** How TypeORM reaches the same file, with the same settings. */
export function sqliteSource(path: string): DataSourceOptions {
  return {
    type: "better-sqlite3",
    database: path,
    driver: Database,
    timeout: SQLITE_BUSY_MS,
    prepareDatabase: prepareSqlite,
    logging: false,
  };
}

function prepareSqlite(database: Database.Database): void {
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
}

type Prepared = Database.Statement<(string | number | null)[], Record<string, unknown>>;

function cachedPrepare(database: Database.Database): (sql: string) => Prepared {
  const cache = new Map<string, Prepared>();
  return (sql) => {
    const known = cache.get(sql);
    if (known !== undefined) return known;
    const prepared = database.prepare<(string | number | null)[], Record<string, unknown>>(sql);
    const [oldest] = cache.keys();
    if (cache.size >= CACHED_STATEMENTS && oldest !== undefined) cache.delete(oldest);
    cache.set(sql, prepared);
    return prepared;
  };
}
