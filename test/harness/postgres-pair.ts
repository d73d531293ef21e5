/** A PostgreSQL server, a synchronous standby, and one address that leads to the one of them that takes writes. */
import { eventually, faultProxy, type PostgresAdmin } from "@castellan/testkit";
import { ownPostgres } from "./remote-postgres.ts";

export interface PostgresPair extends PostgresAdmin {
  /** The first one dies for good, the standby is promoted, and the address moves there. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export async function postgresPair(): Promise<PostgresPair> {
  const begun: { stop(): Promise<void> }[] = [];
  const begin = async <R extends { stop(): Promise<void> }>(one: Promise<R>): Promise<R> => {
    begun.push(await one);
    return await one;
  };
  const stop = async (): Promise<void> => {
    for (const one of begun.splice(0).reverse()) await one.stop();
  };
  try {
    const { server: first } = await begin(ownPostgres());
    const { server: second } = await begin(ownPostgres({ standbyOf: first }));
    const { port, address: host = "127.0.0.1" } = first;
    const address = await begin(faultProxy({ host, port }));
    await first.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await first.sql("SELECT pg_reload_conf()");
    await eventually(async () => (await first.sql("SELECT sync_state FROM pg_stat_replication")) === "sync", {
      withinMs: 60_000,
      describe: "the standby is synchronous",
    });
    let leading = first;
    return {
      sql: (statements, database) => leading.sql(statements, database),
      async database() {
        const made = await first.database();
        const url = new URL(made.url);
        url.host = `127.0.0.1:${address.port}`;
        return { ...made, url: url.href, drop: async () => undefined }; // it goes with both
      },
      async failOver() {
        await first.kill9();
        await second.sql("SELECT pg_promote()");
        leading = second;
        address.redirect({ host: second.address ?? host, port: second.port });
      },
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}
