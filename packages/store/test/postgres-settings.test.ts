/** Every wait for PostgreSQL ends, also for a server that accepts a statement and says nothing any more. */
import { expect, it } from "vitest";
import { postgresSource } from "../src/typeorm/postgres-connection.ts";
import { MIGRATING } from "../src/typeorm/postgres-settings.ts";

it("a migration waits somewhat longer for an answer than the server for its own statement", () => {
  const { extra } = postgresSource({ url: "postgres://ips1@db/ips1", passwordFile: null });
  expect(extra).toMatchObject({ query_timeout: MIGRATING.statement_timeout + 1_000 });
});
