/**
 * Fills a schema from a backup. What the node has done since then is forgotten, so nothing of that time may go on as if it were
 * known: epochs and incarnations rise above all that may have been given, and what was under way is ended.
 */
import { CastellanError } from "@castellan/kernel";
import { type Gateway, remove, update } from "@castellan/store";
import { fillSchema, firstInUse, type Mark, readMark, setMark, takeMarkAway } from "@castellan/store/copy";
import { auditRow } from "../audit.ts";
import type { OpenedBackup } from "./backup-lines.ts";
import type { CopyDeps } from "./copy-deps.ts";
import { fenceAll, raiseIncarnations } from "./fence-all.ts";
import { knownSentinels, refuseFreshSentinels } from "./living-sentinels.ts";

/**
 * Where nobody can say which epochs and incarnations were given after the backup: farther than any node gets between two
 * backups, so that a master or sentinel of that time, frozen somewhere, never meets its own number again.
 */
export const LEAP = 1000;

export interface RestoreDeps extends CopyDeps {
  readonly gateway: Gateway;
  readonly backup: OpenedBackup;
  /** Names it in messages and in the record. */
  readonly file: string;
  /** As castellan.yaml has it. */
  readonly node: string;
  /** The schema may hold something. */
  readonly replace: boolean;
  /** The highest epoch that the homes of this host have seen. */
  readonly seenEpoch: number;
}

export interface Restored {
  readonly node: string;
  readonly takenAt: string;
  readonly rows: number;
  readonly epoch: number;
}

/** Throws SENTINELS_RUN, NODE_MISMATCH, SCHEMA_IN_USE, SCHEMA_MOVED, BACKUP_DAMAGED. */
export async function restoreSchema(deps: RestoreDeps): Promise<Restored> {
  const { gateway, backup, file, node, replace, seenEpoch, clock, newId, who, onProgress } = deps;
  const { header, pages } = backup;
  if (header.node.toLowerCase() !== node.toLowerCase()) {
    throw new CastellanError("NODE_MISMATCH", `this backup is of node ${header.node}, this home is of ${node}`);
  }
  const [there] = await gateway.find("nodes", { limit: 1 });
  if (there !== undefined && there.node_name.toLowerCase() !== node.toLowerCase()) {
    throw new CastellanError("NODE_MISMATCH", `the schema is of node ${there.node_name}, this home is of ${node}`);
  }
  const before = await readMark(gateway);
  await refuseWhatIsThere(gateway, before, replace);
  refuseFreshSentinels(await knownSentinels(gateway, clock.now()), [], "nothing is restored");

  const now = clock.now();
  const filling: Mark = { moveId: newId(), state: "filling", other: file, changedAt: now };
  // Those who come late are refused before their rows are gone, and where these come back.
  const old = await fenceAll(gateway, { above: seenEpoch });
  await gateway.commit([setMark(before, filling), ...old.writes, raiseIncarnations(1)]);
  const sums = await fillSchema({ target: gateway, mark: filling, pages, ...(onProgress && { onProgress }) });

  const { writes, epoch } = await fenceAll(gateway, { above: old.epoch, by: LEAP });
  const ended = { finished_at: now, result_text: "the schema was restored from a backup" };
  await gateway.commit([
    takeMarkAway(filling),
    ...writes,
    raiseIncarnations(LEAP),
    update("operation_step", { state: { in: ["pending", "ready", "claimed"] } }, { state: "skipped", ...ended }, "any"),
    update("operation", { state: "open" }, { state: "failed", ...ended }, "any"),
    remove("forced_stop", {}),
    auditRow({ ...who, clock, newId }, "schema.restore", { file, takenAt: header.takenAt, epoch }),
  ]);
  const rows = [...sums.values()].reduce((sum, table) => sum + table.rows, 0);
  return { node: header.node, takenAt: header.takenAt, rows, epoch };
}

/** What an earlier attempt has left is nobody's. */
async function refuseWhatIsThere(gateway: Gateway, mark: Mark | null, replace: boolean): Promise<void> {
  if (mark?.state === "filling") return;
  if (mark !== null) {
    throw new CastellanError("SCHEMA_MOVED", `the schema is ${mark.state} ${mark.other}: restore it there`);
  }
  const table = replace ? null : await firstInUse(gateway);
  if (table === null) return;
  throw new CastellanError(
    "SCHEMA_IN_USE",
    `the schema holds a node already (table ${table}): --replace takes the backup instead, and forgets what is there`,
    { details: { table } },
  );
}
