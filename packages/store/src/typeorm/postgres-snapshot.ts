/** One moment of a PostgreSQL database: a read-only transaction with repeatable reads, on a connection of its own. */
import { Client } from "pg";
import { type Connection, notWritten } from "./connection.ts";
import { addressParts, CONNECT_MS, type PostgresAddress, SNAPSHOT, sessionOptions } from "./postgres-settings.ts";

/** Longer than the server's own limit on a statement, milliseconds. */
const ANSWER_MS = SNAPSHOT.statement_timeout + 1000;

/** Throws the driver's errors. */
export async function snapshotPostgres(address: PostgresAddress): Promise<Connection> {
  const client = new Client({
    ...addressParts(address),
    application_name: "castellan backup",
    options: sessionOptions(SNAPSHOT),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
  });
  // A connection that breaks between two reads: the next read says so.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query("SELECT 1 FROM pg_class LIMIT 1");
  } catch (thrown) {
    await client.end();
    throw thrown;
  }
  return {
    read: async ({ sql, params }) => (await client.query<Record<string, unknown>>(sql, [...params])).rows,
    commit: notWritten,
    close: () => client.end(),
  };
}
