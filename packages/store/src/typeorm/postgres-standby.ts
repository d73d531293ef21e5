/** An address may lead to one of several servers, and after a failover to another one. */
import type { ClientBase } from "pg";

/** As the server itself would say it to whoever wants to write. */
const READ_ONLY = "25006";

/** A standby takes no writes, and what is read there may be old: throws for a new connection to one that was not promoted. */
export async function refuseStandby(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
  if (rows[0]?.standby === true) throw new StandbyError();
}

class StandbyError extends Error {
  readonly code = READ_ONLY;
  constructor() {
    super("it is a standby that was not promoted");
  }
}
