/**
 * A PostgreSQL server, through a small pool.
 *
 * P1 A commit is one statement, so the server ends its transaction, not this program. What the server answers is certain;
 *    a connection that breaks before the answer leaves it unknown (`StoreAmbiguous`).
 * P2 Every wait ends: to connect, for a lock, for a statement, for bytes the other side does not acknowledge.
 */
import { ensureError, type Logger, systemCode } from "@castellan/kernel";
import { Pool, type PoolClient } from "pg";
import type { DataSourceOptions } from "typeorm";
import { StoreAmbiguous } from "../errors.ts";
import { BatchFailure, type Connection } from "./connection.ts";
import { GUARD_MISSED } from "./dialects/postgres.ts";

const CONNECT_MS = 2_000;
const LOCK_MS = 1_000;
const STATEMENT_MS = 4_000;
/** Longer than the server's own limit, for a server that does not answer at all. */
const ANSWER_MS = 5_000;
const POOL_SIZE = 4;

/** Opens nothing yet: the first statement connects. */
export function openPostgres(url: string, logger: Logger): Connection {
  const pool = new Pool({
    connectionString: url,
    application_name: "castellan",
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    // Nobody here opens a transaction; the limit is for the server's sake, should that ever change.
    idle_in_transaction_session_timeout: CONNECT_MS,
    keepAlive: true,
    options: `-c tcp_user_timeout=${CONNECT_MS} -c timezone=UTC`,
  });
  pool.on("error", (error) => {
    logger.warn("an idle database connection broke; the next statement opens another", { reason: error.message });
  });

  return {
    read: ({ sql, params }) =>
      withClient(pool, async (client) => (await client.query<Record<string, unknown>>(sql, [...params])).rows),

    commit: (statements) =>
      withClient(pool, async (client) => {
        const batch = statements.map(({ sql, params, expect }) => ({ sql, params, expect }));
        try {
          const { rows } = await client.query<{ counts: string[] }>("SELECT castellan_commit($1::jsonb) AS counts", [
            JSON.stringify(batch),
          ]);
          return (rows[0]?.counts ?? []).map(Number);
        } catch (thrown) {
          throw commitFailure(thrown);
        }
      }),

    close: () => pool.end(),
  };
}

/** How TypeORM reaches the same database: one connection, for as long as a migration takes. */
export function postgresSource(url: string): DataSourceOptions {
  return {
    type: "postgres",
    url,
    applicationName: "castellan migration",
    poolSize: 1,
    connectTimeoutMS: CONNECT_MS,
    installExtensions: false,
    logging: false,
    extra: { options: "-c timezone=UTC" },
  };
}

/** Gives the connection back, or ends it when it broke. */
async function withClient<R>(pool: Pool, use: (client: PoolClient) => Promise<R>): Promise<R> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection in use that breaks between two events has no other listener, and would end the program.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    return await use(client);
  } catch (thrown) {
    if (!isAnswer(thrown)) broken ??= ensureError(thrown);
    throw thrown;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

function commitFailure(thrown: unknown): unknown {
  if (!isAnswer(thrown)) {
    const { message } = ensureError(thrown);
    return new StoreAmbiguous(`the connection broke during a commit: ${message}`, { cause: thrown });
  }
  const at = hintOf(thrown);
  const code = systemCode(thrown);
  if (code === GUARD_MISSED) return new BatchFailure(at, undefined);
  return code?.startsWith("23") === true ? new BatchFailure(at, thrown) : thrown;
}

/**
 * Whether the server itself said what became of the statement. Class 57P (shutdown, crash) it sends to whoever is
 * connected, whatever it was doing.
 */
function isAnswer(thrown: unknown): boolean {
  if (thrown instanceof BatchFailure) return true;
  const code = systemCode(thrown);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08|E[A-Z]{4}$)/.test(code);
}

function hintOf(thrown: unknown): number {
  const hint = typeof thrown === "object" && thrown !== null && "hint" in thrown ? Number(thrown.hint) : 0;
  return Number.isSafeInteger(hint) ? hint : 0;
}
