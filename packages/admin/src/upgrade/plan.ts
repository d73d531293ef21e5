/**
 * What `castellan upgrade` does next, from what is there now. Nothing is remembered: whoever was interrupted asks again.
 *
 * R1 The schema first, from the home that holds the master's server, and only by a person who says that there is a backup.
 * R2 Then the sentinels of slaves, one after another; the master's when no slave works with the old program any more, so that
 *    mastership moves once, and to a server that has been upgraded.
 * R3 Never back: a program older than a server's, or than the schema, is refused.
 * R4 A host is upgraded from itself: what is to be done elsewhere is said, not done.
 */
import { CastellanError } from "@castellan/kernel";
import type { Fit } from "./fit.ts";
import { isNewer } from "./release.ts";

export interface UpgradeServer {
  readonly name: string;
  readonly isMaster: boolean;
  /** Release of its sentinel; null: 0.1.0, which did not say, or none has run. */
  readonly program: string | null;
  /** Its sentinel has not ended, as far as the schema knows. */
  readonly isRunning: boolean;
  /** It can be master. */
  readonly isUp: boolean;
  /** Its home is this one, or in this one. */
  readonly isHere: boolean;
  /** An upgrade has ended its sentinel and did not live to begin the next. */
  readonly isInterrupted: boolean;
}

export interface UpgradeFacts {
  /** Release of this program. */
  readonly program: string;
  readonly schema: { readonly found: number; readonly needed: number; readonly fit: Fit };
  readonly servers: readonly UpgradeServer[];
}

export type UpgradeStep =
  | { readonly do: "migrate"; readonly from: number; readonly to: number }
  | { readonly do: "replace"; readonly server: string }
  | { readonly do: "hand-over"; readonly from: string; readonly to: string };

export interface UpgradePlan {
  /** In order; after each the rest is planned anew. */
  readonly steps: readonly UpgradeStep[];
  /** Servers that have to be upgraded from their own hosts. */
  readonly elsewhere: readonly string[];
  /** The master's server, here, that waits for those; null: nothing here waits. */
  readonly waiting: string | null;
}

/** Throws UPGRADE_ORDER, DOWNGRADE, NODE_MISSING. */
export function planUpgrade({ program, schema, servers }: UpgradeFacts): UpgradePlan {
  refuseDowngrade({ program, schema, servers });
  if (schema.fit === "empty")
    throw new CastellanError("NODE_MISSING", "there is no schema yet, and nothing to upgrade");
  const steps: UpgradeStep[] = [];
  if (schema.fit === "older") {
    const master = servers.find(({ isMaster }) => isMaster);
    if (master !== undefined && !master.isHere) throw wrongOrder(master.name);
    steps.push({ do: "migrate", from: schema.found, to: schema.needed });
  }
  const isOld = (server: UpgradeServer): boolean =>
    server.isInterrupted || (server.isRunning && server.program !== program);
  const slaves = servers.filter((server) => isOld(server) && !server.isMaster);
  for (const { name, isHere } of slaves) if (isHere) steps.push({ do: "replace", server: name });
  const master = servers.find((server) => isOld(server) && server.isMaster);
  const elsewhere = [...slaves, ...(master === undefined ? [] : [master])].flatMap(({ name, isHere }) =>
    isHere ? [] : [name],
  );
  if (master === undefined || !master.isHere) return { steps, elsewhere, waiting: null };
  if (elsewhere.length > 0) return { steps, elsewhere, waiting: master.name };
  const heir = servers.find(({ isMaster, isUp }) => !isMaster && isUp);
  // One that an upgrade has ended is master of nothing that runs: it comes back first.
  if (heir !== undefined && !master.isInterrupted) steps.push({ do: "hand-over", from: master.name, to: heir.name });
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
