/** Whose sentinels may still write into a schema: nobody takes it from under them. */
import { CastellanError } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";

/** A sentinel confirms itself every 5 s; one that has not for so long is gone, or cannot reach the schema. Milliseconds. */
const FRESH_MS = 15_000;

export interface KnownSentinel {
  readonly server: string;
  /** It has not ended in order: it is missed. */
  readonly isMissed: boolean;
  /** It has confirmed itself a moment ago. */
  readonly isFresh: boolean;
}

export async function knownSentinels(gateway: Pick<Gateway, "find">, now: Date): Promise<readonly KnownSentinel[]> {
  const [servers, sentinels] = await Promise.all([gateway.find("node_cluster"), gateway.find("sentinel")]);
  const nameOf = new Map(servers.map((row) => [row.logical_machine_id, row.physical_machine_name]));
  return sentinels.map(({ logical_machine_id, last_seen_at, ended_at }) => {
    const isMissed = ended_at === null;
    return {
      server: nameOf.get(logical_machine_id) ?? `#${logical_machine_id}`,
      isMissed,
      isFresh: isMissed && now.getTime() - last_seen_at.getTime() < FRESH_MS,
    };
  });
}

/** Throws SENTINELS_RUN for those that may write, but for the servers whose sentinels the caller ends himself. */
export function refuseFreshSentinels(known: readonly KnownSentinel[], own: readonly string[], what: string): void {
  const fresh = known.filter(({ server, isFresh }) => isFresh && !own.includes(server)).map(({ server }) => server);
  if (fresh.length === 0) return;
  const names = fresh.join(", ");
  throw new CastellanError(
    "SENTINELS_RUN",
    `${what} while the sentinel of ${names} writes into it: end it there with \`castellan down\`, and try again ${FRESH_MS / 1000} s later`,
    { retryable: true, details: { servers: fresh } },
  );
}
