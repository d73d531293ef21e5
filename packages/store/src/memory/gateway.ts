/** The gateway's twin in memory, for tests and simulations: the same answers and the same refusals, nothing kept. */
import { StoreUnavailable } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { asRow, checkQuery, checkWrite } from "../schema/checked.ts";
import { createMemoryDatabase, type MemoryDatabase } from "./database.ts";

/** One gateway; several of one database see the same tables, as several servers of a node do. */
export function createMemoryGateway(database: MemoryDatabase = createMemoryDatabase()): Gateway {
  let closed = false;
  const use = (): MemoryDatabase => {
    if (closed) throw new StoreUnavailable("the gateway is closed");
    return database;
  };
  // `async` so that a refusal is a rejection, as on a real database, and never a throw in the caller's turn.
  return {
    find: async (table, query = {}) =>
      use()
        .find(checkQuery(table, query))
        .map((row) => asRow(table, row)),
    commit: async (writes) => use().commit(writes.map(checkWrite)),
    close: async () => {
      closed = true;
    },
  };
}
