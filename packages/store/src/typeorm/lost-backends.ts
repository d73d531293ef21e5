/**
 * Server processes that were left with a commit under way: the connection broke, or the answer did not come.
 *
 * Such a commit may be carried out long after its sender has given it up, for instance when a frozen server goes on. So each
 * is ended before anything else is asked of the server: what is read after a `StoreAmbiguous` is final.
 */
import { StoreUnavailable } from "../errors.ts";

/** What this needs of a connection. */
export interface Asking {
  query(sql: string, params: unknown[]): Promise<{ readonly rows: Record<string, unknown>[] }>;
}

export interface LostBackends {
  /** The connection's commit is in doubt. */
  add(client: object): void;
  /** Ends what is lost. Throws `StoreUnavailable` while one of them is still there. */
  settle(client: Asking): Promise<void>;
}

/** How long the server waits for one of them to go, milliseconds. */
const END_MS = 1_000;

/** `applicationName` tells our sessions from those that have got the same process id since. */
export function createLostBackends(applicationName: string): LostBackends {
  const lost = new Set<number>();
  return {
    add(client) {
      const pid = "processID" in client ? client.processID : null;
      if (typeof pid === "number") lost.add(pid);
    },
    async settle(client) {
      if (lost.size === 0) return;
      const pids = [...lost];
      const { rows } = await client.query(
        `SELECT pid, pg_terminate_backend(pid, ${END_MS}) AS gone FROM pg_stat_activity
          WHERE pid = ANY ($1) AND usename = current_user AND application_name = $2 AND pid <> pg_backend_pid()`,
        [pids, applicationName],
      );
      const left = new Set(rows.filter(({ gone }) => gone !== true).map(({ pid }) => pid));
      for (const pid of pids) if (!left.has(pid)) lost.delete(pid);
      if (left.size > 0) throw new StoreUnavailable("an earlier commit is still under way on the server: try again");
    },
  };
}
