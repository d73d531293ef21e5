/** Where a migration runs: one session that has the lock which only one process can have, in one transaction if DDL can be in one. */

export interface MigrationSession {
  /** Rows have lower-case names. `params` in the order of the dialect's places. */
  run(sql: string, params?: readonly (string | number | null)[]): Promise<Record<string, unknown>[]>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** After `commit` or `rollback`. */
  close(): Promise<void>;
}
