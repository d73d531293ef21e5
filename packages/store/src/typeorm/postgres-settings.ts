/**
 * How a PostgreSQL server is reached, and the limits that every session of ours carries, whoever opens it.
 *
 * P1 Every wait ends: to connect, for a lock, for a statement, for an answer, for bytes the other side does not acknowledge.
 * P2 A session that stands still inside a transaction is ended by the server: whoever is frozen holds no lock for long.
 * P3 The password is read from its file for every connection: it can be changed under a running program, and is in no URL.
 */
import { Client } from "pg";
import { passwordNow } from "./password-file.ts";

export interface PostgresAddress {
  /** Without a password. */
  readonly url: string;
  readonly passwordFile: string | null;
}

/** To connect, and to wait for a connection of the pool, milliseconds. */
export const CONNECT_MS = 2_000;
/** Longer than the server's own limit on a statement, for a server that does not answer at all, milliseconds. */
export const ANSWER_MS = 3_000;

interface Limits {
  readonly statement_timeout: number;
  readonly idle_in_transaction_session_timeout: number;
}

/** Reads and commits, milliseconds. */
export const WORKING: Limits = { statement_timeout: 2_000, idle_in_transaction_session_timeout: 2_000 };
/** A migration is the one transaction that waits for this program; only other migrations wait for it. Milliseconds. */
export const MIGRATING: Limits = { statement_timeout: 60_000, idle_in_transaction_session_timeout: 10_000 };

/** A backup waits for its disk between two reads, and holds no lock that anybody waits for. Milliseconds. */
export const SNAPSHOT: Limits = { statement_timeout: 60_000, idle_in_transaction_session_timeout: 60_000 };

const LOCK_MS = 1_000;
const UNACKNOWLEDGED_MS = 2_000;

/** The start-up options of a session. */
export function sessionOptions(limits: Limits): string {
  const settings = {
    ...limits,
    lock_timeout: LOCK_MS,
    tcp_user_timeout: UNACKNOWLEDGED_MS,
    timezone: "UTC",
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
}

/** The parts of the URL, as the driver reads it; the password comes when it is asked for. */
export function addressParts({ url, passwordFile }: PostgresAddress) {
  const { host, port, user, database, ssl } = new Client({ connectionString: url });
  const password = passwordFile === null ? {} : { password: () => passwordNow(passwordFile) };
  return { host, port, database, ssl, ...(user === undefined ? {} : { user }), ...password };
}
