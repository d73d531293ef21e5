/**
 * What `castellan upgrade` does next, from what is there now. Nothing is remembered: whoever was interrupted asks again.
 *
 * R1 The schema first, from the home that holds the master's server, and only when there is a backup.
 * R2 Then the sentinels of slaves, one after another; the master's when no slave works with the old program any more, so that
 *    whoever may have to take over meanwhile has been upgraded. It stays master.
 * R3 Never back: a program older than a server's, or than the schema, is refused.
 * R4 Called where the master's server is, it asks the servers of other hosts to exchange themselves. What cannot be asked, or has
 *    refused, is said, not done; and so is everything elsewhere where it is called beside a slave.
 */
import { CastellanError, isNewer } from "@castellan/kernel";
import type { Fit } from "./fit.ts";

export interface UpgradeServer {
  readonly name: string;
  readonly isMaster: boolean;
  /** Release of its sentinel; null: 0.1.0, which did not say and cannot be asked, or none has run. */
  readonly program: string | null;
  /** Its sentinel has not ended, as far as the schema knows. */
  readonly isRunning: boolean;
  /** The master sees it. */
  readonly isUp: boolean;
  /** Its home is this one, or in this one. */
  readonly isHere: boolean;
  /** An upgrade has ended its sentinel, and the next has not begun. */
  readonly isInterrupted: boolean;
  /** Why it did not exchange itself when it was asked by this run; null: it was not asked, or did. */
  readonly refusal: string | null;
}

export interface UpgradeFacts {
  /** Release of this program. */
  readonly program: string;
  readonly schema: { readonly found: number; readonly needed: number; readonly fit: Fit };
  readonly servers: readonly UpgradeServer[];
}

export type UpgradeStep =
  | { readonly do: "migrate"; readonly from: number; readonly to: number }
  /** Its pair, from here. */
  | { readonly do: "replace"; readonly server: string }
  /** It exchanges its pair itself. */
  | { readonly do: "ask"; readonly server: string };

export interface UpgradePlan {
  /** In order; after each the rest is planned anew. */
  readonly steps: readonly UpgradeStep[];
  /** Servers that have to be upgraded from their own hosts, and why if they have said so. */
  readonly elsewhere: readonly { readonly server: string; readonly refusal: string | null }[];
  /** The master's server, here, that waits for those; null: nothing here waits. */
  readonly waiting: string | null;
}

/** Throws UPGRADE_ORDER, DOWNGRADE, NODE_MISSING. */
export function planUpgrade({ program, schema, servers }: UpgradeFacts): UpgradePlan {
  refuseDowngrade({ program, schema, servers });
  if (schema.fit === "empty")
    throw new CastellanError("NODE_MISSING", "there is no schema yet, and nothing to upgrade");
  const steps: UpgradeStep[] = [];
  const master = servers.find(({ isMaster }) => isMaster);
  if (schema.fit === "older") {
    if (master !== undefined && !master.isHere) throw wrongOrder(master.name);
    steps.push({ do: "migrate", from: schema.found, to: schema.needed });
  }
  const isOld = (server: UpgradeServer): boolean =>
    // One that was asked and has not come back does not run: it counts all the same.
    server.isInterrupted || (server.program !== program && (server.isRunning || server.refusal !== null));
  const mayAsk = (server: UpgradeServer): boolean =>
    master?.isHere === true && server.program !== null && server.refusal === null;
  const elsewhere: { readonly server: string; readonly refusal: string | null }[] = [];
  for (const slave of servers.filter((server) => isOld(server) && !server.isMaster)) {
    if (slave.isHere) steps.push({ do: "replace", server: slave.name });
    else if (mayAsk(slave)) steps.push({ do: "ask", server: slave.name });
    else elsewhere.push({ server: slave.name, refusal: slave.refusal });
  }
  if (master === undefined || !isOld(master)) return { steps, elsewhere, waiting: null };
  if (!master.isHere)
    return { steps, elsewhere: [...elsewhere, { server: master.name, refusal: null }], waiting: null };
  if (elsewhere.length > 0) return { steps, elsewhere, waiting: master.name };
  steps.push({ do: "replace", server: master.name });
  return { steps, elsewhere, waiting: null };
}

function refuseDowngrade({ program, schema, servers }: UpgradeFacts): void {
  const newer = servers.find((server) => server.program !== null && isNewer(server.program, program));
  if (newer === undefined && schema.fit !== "ahead" && schema.fit !== "too-new") return;
  const by = newer === undefined ? `the schema has version ${schema.found}` : `${newer.name} runs ${newer.program}`;
  throw new CastellanError(
    "DOWNGRADE",
    `this is release ${program}, and ${by}: a node is upgraded, never taken back; install the newer release here too`,
    { details: { program, newest: newer?.program ?? null, schema: schema.found } },
  );
}

function wrongOrder(master: string): CastellanError {
  return new CastellanError(
    "UPGRADE_ORDER",
    `the schema is migrated first, from the master's server: install this release on ${master} and run \`castellan upgrade\` there`,
    { details: { master } },
  );
}
