/**
 * A PostgreSQL server, through a small pool that is empty when nothing is asked for a while.
 *
 * P4 A commit is one statement, so the server ends its transaction, not this program. What the server answers is certain;
 *    a connection that breaks before the answer leaves it unknown (`StoreAmbiguous`) until it is settled (`lost-backends.ts`).
 * P5 A standby that was not promoted is asked nothing: it lags behind.
 * P6 `close` leaves no socket behind, also when the server does not answer any more.
 */
import { type Clock, ensureError, type Logger, systemCode } from "@castellan/kernel";
import { Pool, type PoolClient } from "pg";
import type { DataSourceOptions } from "typeorm";
import { StoreAmbiguous } from "../errors.ts";
import { BatchFailure, type Connection } from "./connection.ts";
import { GUARD_MISSED } from "./dialects/postgres.ts";
import { createLostBackends } from "./lost-backends.ts";
import {
  ANSWER_MS,
  addressParts,
  CONNECT_MS,
  MIGRATING,
  type PostgresAddress,
  sessionOptions,
  WORKING,
} from "./postgres-settings.ts";
import { createSockets } from "./postgres-sockets.ts";
import { refuseStandby } from "./postgres-standby.ts";

/** How our sessions are called in `pg_stat_activity`. */
const APPLICATION = "castellan";
const POOL_SIZE = 4;
/** A connection that nobody needs is closed after this, milliseconds. */
const IDLE_MS = 5_000;

/** Opens nothing yet: the first statement connects. */
export function openPostgres(address: PostgresAddress, clock: Clock, logger: Logger): Connection {
  const sockets = createSockets(clock);
  const lost = createLostBackends(APPLICATION);
  const pool = new Pool({
    ...addressParts(address),
    application_name: APPLICATION,
    options: sessionOptions(WORKING),
    max: POOL_SIZE,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    stream: sockets.stream,
  });
  const primaries = new WeakSet<PoolClient>();
  const withClient = <R>(use: (client: PoolClient) => Promise<R>): Promise<R> => withClientOf(pool, primaries, use);
  pool.on("error", (error) => {
    logger.warn("an idle database connection broke; the next statement opens another", { reason: error.message });
  });

  return {
    read: ({ sql, params }) =>
      withClient(async (client) => {
        await lost.settle(client);
        return (await client.query<Record<string, unknown>>(sql, [...params])).rows;
      }),

    commit: (statements) =>
      withClient(async (client) => {
        await lost.settle(client);
        const batch = JSON.stringify(statements.map(({ sql, params, expect }) => ({ sql, params, expect })));
        try {
          const { rows } = await client.query<{ counts: string[] }>("SELECT castellan_commit($1::jsonb) AS counts", [
            batch,
          ]);
          return (rows[0]?.counts ?? []).map(Number);
        } catch (thrown) {
          const failure = commitFailure(thrown);
          if (failure instanceof StoreAmbiguous) lost.add(client);
          throw failure;
        }
      }),

    async close() {
      await pool.end();
      await sockets.gone();
    },
  };
}

/** A server that does not answer at all, also not that a statement took too long, milliseconds. */
const MIGRATING_ANSWER_MS = MIGRATING.statement_timeout + 1_000;

/** How TypeORM reaches the same database: one connection, for as long as a migration takes. */
export function postgresSource(address: PostgresAddress): DataSourceOptions {
  const { user, database, ...rest } = addressParts(address);
  return {
    type: "postgres",
    ...rest,
    ...(user === undefined ? {} : { username: user }),
    ...(database === undefined ? {} : { database }),
    applicationName: `${APPLICATION} migration`,
    poolSize: 1,
    connectTimeoutMS: CONNECT_MS,
    installExtensions: false,
    logging: false,
    extra: { options: sessionOptions(MIGRATING), query_timeout: MIGRATING_ANSWER_MS },
  };
}

/**
 * Gives the connection back, or ends it when it broke. A new one is looked at here and not by the pool (`verify`): that hands
 * it to a caller who gave up waiting meanwhile, and nobody would give it back.
 */
async function withClientOf<R>(
  pool: Pool,
  primaries: WeakSet<PoolClient>,
  use: (client: PoolClient) => Promise<R>,
): Promise<R> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection in use that breaks between two events has no other listener, and would end the program.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    if (!primaries.has(client)) await refuseStandby(client);
    primaries.add(client);
    return await use(client);
  } catch (thrown) {
    if (!isAnswer(thrown) || !primaries.has(client)) broken ??= ensureError(thrown);
    throw thrown;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

function commitFailure(thrown: unknown): unknown {
  if (!isAnswer(thrown)) {
    const { message } = ensureError(thrown);
    if (NOT_SENT.test(message)) return thrown;
    return new StoreAmbiguous(`the connection broke during a commit: ${message}`, { cause: thrown });
  }
  const at = hintOf(thrown);
  const code = systemCode(thrown);
  if (code === GUARD_MISSED) return new BatchFailure(at, undefined);
  return code?.startsWith("23") === true ? new BatchFailure(at, thrown) : thrown;
}

/** The driver saw that the connection was broken before it wrote to it. */
const NOT_SENT = /not queryable/i;

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
