/** What stands around migrations that a person runs with the database's own tools. */
import type { Dialect } from "./dialect.ts";

export interface ScriptWords {
  readonly product: string;
  /** How it is run. */
  readonly run: string;
  /** Before everything, as it stands. */
  readonly head: readonly string[];
  readonly commit: string;
  /** What ends a statement. */
  readonly end: string;
  /** The time, UTC, in SQL text. */
  readonly now: string;
  /** What becomes of a script that failed half-way. */
  readonly again: string;
  /** Lets an account that may make no tables run a node: said, not done, for only the reader knows its name. */
  readonly grants: readonly string[];
}

const UNDONE = "A script that fails changes nothing: mend the reason and run it again.";

export const scriptWords: Readonly<Record<Dialect["name"], ScriptWords>> = {
  sqlite: {
    product: "SQLite",
    run: "sqlite3 -bail FILE < THIS_FILE",
    head: [],
    commit: "COMMIT",
    end: ";",
    now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    again: UNDONE,
    grants: [],
  },
  postgres: {
    product: "PostgreSQL",
    run: "psql -v ON_ERROR_STOP=1 -f THIS_FILE DATABASE",
    head: [],
    commit: "COMMIT",
    end: ";",
    now: "clock_timestamp()",
    again: UNDONE,
    grants: [
      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ips1",
      "GRANT EXECUTE ON FUNCTION castellan_commit(jsonb) TO ips1",
    ],
  },
  mssql: {
    product: "SQL Server",
    run: "sqlcmd -b -d DATABASE -i THIS_FILE",
    // The first is looked at when a batch is read, so it has one of its own.
    head: ["SET QUOTED_IDENTIFIER ON;", "GO", "BEGIN TRANSACTION;"],
    commit: "COMMIT TRANSACTION",
    end: ";",
    now: "SYSUTCDATETIME()",
    again: UNDONE,
    grants: ["GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO ips1"],
  },
  oracle: {
    product: "Oracle",
    run: "sqlplus OWNER@SERVICE @THIS_FILE",
    head: ["WHENEVER SQLERROR EXIT FAILURE", "SET DEFINE OFF"],
    commit: "COMMIT",
    end: "\n/",
    now: "SYSTIMESTAMP",
    again:
      "Oracle commits each of these statements by itself. When one fails, mend the reason and run that one and what follows it.",
    grants: [
      `BEGIN FOR one IN (SELECT table_name FROM user_tables) LOOP
  EXECUTE IMMEDIATE 'GRANT SELECT, INSERT, UPDATE, DELETE ON "' || one.table_name || '" TO ips1';
END LOOP; END`,
    ],
  },
};
