/**
 * Server processes that were left with a commit under way: the connection broke, or the answer did not come.
 *
 * Such a commit may be carried out long after its sender has given it up, for instance when a frozen server goes on. So each
 * is ended before anything else is asked of the server: what is read after a `StoreAmbiguous` is final.
 *
 * With synchronous replication that is not enough. A commit that waits for its standby when it is ended, or when the server
 * dies and starts again, stands on this server alone from then on, for all to see; a failover would take it back after it was
 * read. So something is committed after it, and nothing is read until the standby has that, and with it all that went before.
 */
import { StoreUnavailable } from "../errors.ts";

/** What this needs of a connection. */
export interface Asking {
  query(sql: string, params: unknown[]): Promise<{ readonly rows: Record<string, unknown>[] }>;
}

export interface LostBackends {
  /** The connection's commit is in doubt. */
  add(client: object): void;
  /** Ends what is lost. Throws `StoreUnavailable` while one of them is still there, the driver's error while a standby lags. */
  settle(client: Asking): Promise<void>;
}

/** How long the server waits for one of them to go, milliseconds. */
const END_MS = 1_000;

/** Writes nothing but a mark into the log; answered when those have it who must. For any user, on any table. */
const REPLICATED = `SELECT CASE WHEN current_setting('synchronous_standby_names') <> ''
  THEN pg_logical_emit_message(true, $1, '') END`;

/** `applicationName` tells our sessions from those that have got the same process id since. */
export function createLostBackends(applicationName: string): LostBackends {
  const lost = new Set<number>();
  /** How often some were ended, and how many of these times the standby is known to have: their pids need not be kept for that. */
  let ended = 0;
  let replicated = 0;
  const add: LostBackends["add"] = (client) => {
    const pid = "processID" in client ? client.processID : null;
    if (typeof pid === "number") lost.add(pid);
  };
  return {
    add,
    async settle(client) {
      if (lost.size > 0) await end(client);
      if (replicated === ended) return;
      const before = ended;
      try {
        await client.query(REPLICATED, [applicationName]);
      } catch (thrown) {
        // It may go on waiting there.
        add(client);
        throw thrown;
      }
      replicated = Math.max(replicated, before);
    },
  };

  /** Throws `StoreUnavailable` while one of them is still there. */
  async function end(client: Asking): Promise<void> {
    const pids = [...lost];
    const { rows } = await client.query(
      `SELECT pid, pg_terminate_backend(pid, ${END_MS}) AS gone FROM pg_stat_activity
        WHERE pid = ANY ($1) AND usename = current_user AND application_name = $2 AND pid <> pg_backend_pid()`,
      [pids, applicationName],
    );
    const left = new Set(rows.filter(({ gone }) => gone !== true).map(({ pid }) => pid));
    for (const pid of pids) if (!left.has(pid)) lost.delete(pid);
    ended += 1;
    if (left.size > 0) throw new StoreUnavailable("an earlier commit is still under way on the server: try again");
  }
}
