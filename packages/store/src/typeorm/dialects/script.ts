/** What stands around migrations that a person runs with the database's own tools. */
import type { Dialect } from "./dialect.ts";

export interface ScriptWords {
  readonly product: string;
  /** How it is run. */
  readonly run: string;
  /** Before everything: settings of the tool. */
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

export const scriptWords: Readonly<Partial<Record<Dialect["name"], ScriptWords>>> = {
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
};
