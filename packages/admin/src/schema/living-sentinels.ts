/**
 * Whose sentinels may still write into a schema, or keep what may run once only: nobody takes it from under them.
 *
 * L1 One that has ended in order is gone. Of one that has not, nothing is known but when it confirmed itself last: it has gone when it has
 *    been silent for longer than it may go on by itself, as its server's ISOLATION_STOP_PERIOD and its grant say.
 */
import { CastellanError } from "@castellan/kernel";
import { type Gateway, numberAttribute, type Row } from "@castellan/store";

/** Between two times that a sentinel confirms itself, milliseconds. */
const CONFIRMED_EVERY_MS = 5_000;
/** One that has missed so many of them is gone, or cannot reach the schema, milliseconds. */
const MISSED_MS = 10_000;

export interface KnownSentinel {
  readonly server: string;
  /** It has not ended in order: it is missed. */
  readonly isMissed: boolean;
  /** For how long it must have been silent before nothing of it goes on, milliseconds. */
  readonly silenceMs: number;
  /** It has been silent for less than that, and has not ended. */
  readonly isFresh: boolean;
}

export async function knownSentinels(gateway: Pick<Gateway, "find">, now: Date): Promise<readonly KnownSentinel[]> {
  const [servers, sentinels, attributes, grants] = await Promise.all([
    gateway.find("node_cluster"),
    gateway.find("sentinel"),
    gateway.find("process_attributes", { where: { attribute_name: PERIOD } }),
    gateway.find("server_grant", { where: { ended: null } }),
  ]);
  const nameOf = new Map(servers.map((row) => [row.logical_machine_id, row.physical_machine_name]));
  const heldMs = new Map(grants.map((row) => [row.logical_machine_id, row.period_ms]));
  return sentinels.map(({ logical_machine_id: id, last_seen_at, ended_at }) => {
    const isMissed = ended_at === null;
    const silenceMs = CONFIRMED_EVERY_MS + Math.max(MISSED_MS, periodMs(attributes, id), heldMs.get(id) ?? 0);
    return {
      server: nameOf.get(id) ?? `#${id}`,
      isMissed,
      silenceMs,
      isFresh: isMissed && now.getTime() - last_seen_at.getTime() < silenceMs,
    };
  });
}

const PERIOD = "ISOLATION_STOP_PERIOD";

const periodMs = (attributes: readonly Row<"process_attributes">[], machineId: number): number =>
  numberAttribute(attributes, { machineId, process: "PROCMGR", instance: 0 }, PERIOD) * 1000;

/** Throws SENTINELS_RUN for those that may write, but for the servers whose sentinels the caller ends himself. */
export function refuseFreshSentinels(known: readonly KnownSentinel[], own: readonly string[], what: string): void {
  const fresh = known.filter(({ server, isFresh }) => isFresh && !own.includes(server));
  if (fresh.length === 0) return;
  const servers = fresh.map(({ server }) => server);
  const silenceS = Math.ceil(Math.max(...fresh.map(({ silenceMs }) => silenceMs)) / 1000);
  throw new CastellanError(
    "SENTINELS_RUN",
    `${what} while the sentinel of ${servers.join(", ")} may work with it: end it there with \`castellan down\`; one that cannot be ended must have been silent for ${silenceS} s`,
    { retryable: true, details: { servers, silenceS } },
  );
}
