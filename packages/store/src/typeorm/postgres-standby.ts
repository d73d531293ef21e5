/** An address may lead to one of several servers, and after a failover to another one. */
import { ensureError } from "@castellan/kernel";
import type { PoolClient } from "pg";

/** As the server itself would say it to whoever wants to write. */
const READ_ONLY = "25006";

/**
 * A standby takes no writes, and what is read there may be old: `done` is told of a new connection to one that was not
 * promoted, or that broke, as the pool wants to hear of it.
 */
export async function refuseStandby(client: PoolClient, done: (error?: Error) => void): Promise<void> {
  let refusal: Error | undefined;
  // The pool listens to those only that it has in hand.
  client.on("error", ignore);
  try {
    const { rows } = await client.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
    if (rows[0]?.standby === true) refusal = new StandbyError();
  } catch (thrown) {
    refusal = ensureError(thrown);
  } finally {
    client.off("error", ignore);
  }
  done(refusal);
}

/** The query hears of the same break. */
const ignore = (): void => undefined;

class StandbyError extends Error {
  readonly code = READ_ONLY;
  constructor() {
    super("it is a standby that was not promoted");
  }
}
