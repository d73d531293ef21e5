/** One moment of a PostgreSQL database: a read-only transaction with repeatable reads, on a connection of its own. */
import type { Clock } from "@castellan/kernel";
import { Client } from "pg";
import { type Connection, notWritten } from "./connection.ts";
import { addressParts, CONNECT_MS, type PostgresAddress, SNAPSHOT, sessionOptions } from "./postgres-settings.ts";
import { createSockets } from "./postgres-sockets.ts";
import { refuseStandby } from "./postgres-standby.ts";

/** Longer than the server's own limit on a statement, milliseconds. */
const ANSWER_MS = SNAPSHOT.statement_timeout + 1000;

/** Throws the driver's errors. */
export async function snapshotPostgres(address: PostgresAddress, clock: Pick<Clock, "after">): Promise<Connection> {
  const sockets = createSockets(clock);
  const client = new Client({
    ...addressParts(address),
    application_name: "castellan backup",
    options: sessionOptions(SNAPSHOT),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    stream: sockets.stream,
  });
  const close = async (): Promise<void> => {
    await Promise.all([client.end(), sockets.gone()]);
  };
  // A connection that breaks between two reads: the next read says so.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await refuseStandby(client);
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query("SELECT 1 FROM pg_class LIMIT 1");
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    read: async ({ sql, params }) => (await client.query<Record<string, unknown>>(sql, [...params])).rows,
    commit: notWritten,
    close,
  };
}
