/** Work items and dead letters as an administrator sees them. */
import { CastellanError } from "@castellan/kernel";
import type { WorkItemReport } from "@castellan/protocol";
import { UNFINISHED_STATES } from "@castellan/protocol/words";
import type { Gateway, Row, Where } from "@castellan/store";
import { isUnfinished, workItemReport } from "@castellan/store/work-item";
import type { AdminContext } from "./context.ts";
import { type Advice, adviceFor } from "./work-item-advice.ts";

export { workItemReport } from "@castellan/store/work-item";
export type { Advice } from "./work-item-advice.ts";

type Reading = Pick<AdminContext, "gateway" | "clock">;

export interface WorkItemHistoryEntry {
  readonly what: string;
  readonly by: string;
  /** Host from which it was done; null when no person did it. */
  readonly station: string | null;
  readonly note: string | null;
  /** Id of the alert that caused it, if one did. */
  readonly alertId: string | null;
  readonly at: string;
}

export interface WorkItemDetail {
  readonly item: WorkItemReport;
  /** Oldest first. */
  readonly history: readonly WorkItemHistoryEntry[];
  /** The last alert's. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What the asking user can do next. */
  readonly next: readonly Advice[];
}

export interface ListedWorkItem extends WorkItemReport {
  /** While its server is lost: case number of that server's item, which stands for it. */
  readonly hiddenBy: number | null;
}

export interface ListOptions {
  /** The finished ones too, and those of lost servers. */
  readonly all?: boolean;
  /** Only of this queue. */
  readonly queue?: string;
  /** Only what this user holds, or is assigned to, or has been forwarded. */
  readonly of?: string;
  /** Only what should have been acknowledged by now. */
  readonly late?: boolean;
}

/**
 * The unfinished items, or all that are kept; oldest first. What is open on a server that is lost is left out: the item of
 * the server stands for it until the server is back, or somebody has released that one.
 */
export async function listWorkItems(
  { clock, gateway }: Reading,
  { all = false, late = false, of, queue }: ListOptions = {},
): Promise<ListedWorkItem[]> {
  const [rows, servers] = await Promise.all([
    readItems(gateway, {
      ...(all ? {} : { state: { in: UNFINISHED_STATES } }),
      ...(queue === undefined ? {} : { queue_name: queue }),
    }),
    gateway.find("work_item", { where: { kind: "server", state: { in: UNFINISHED_STATES } } }),
  ]);
  const now = clock.now();
  const missing = new Map(servers.map((row) => [row.server_name, row.case_number]));
  const hiddenBy = (row: Row<"work_item">): number | null =>
    row.kind === "server" || !isUnfinished(row.state) ? null : (missing.get(row.server_name) ?? null);
  return rows
    .filter((row) => of === undefined || [row.locked_by, row.assigned_to, row.queue_name].includes(of))
    .map((row) => ({ ...workItemReport(row, now), hiddenBy: hiddenBy(row) }))
    .filter((item) => (all || item.hiddenBy === null) && (!late || item.late));
}

/** Items of one read: however many there are, each read is answered within the deadline of the database. */
const AT_ONCE = 1000;

async function readItems(gateway: Pick<Gateway, "find">, where: Where<"work_item">): Promise<Row<"work_item">[]> {
  const items: Row<"work_item">[] = [];
  for (;;) {
    const after = items.at(-1)?.case_number ?? 0;
    const part = await gateway.find("work_item", {
      where: { ...where, case_number: { above: after } },
      limit: AT_ONCE,
    });
    items.push(...part);
    if (part.length < AT_ONCE) return items;
  }
}

/** One item with its history. Rejects with NO_SUCH_ITEM. */
export async function showWorkItem(
  { clock, gateway, user }: Reading & Pick<AdminContext, "user">,
  caseNumber: number,
): Promise<WorkItemDetail> {
  const [[row], events] = await Promise.all([
    gateway.find("work_item", { where: { case_number: caseNumber } }),
    gateway.find("work_item_event", { where: { case_number: caseNumber }, orderBy: [{ column: "seq" }] }),
  ]);
  if (!row) throw new CastellanError("NO_SUCH_ITEM", `there is no work item ${caseNumber}`);
  const item = workItemReport(row, clock.now());
  return {
    item,
    history: events.map((event) => ({
      what: event.what,
      by: event.by_user,
      station: event.station,
      note: event.note,
      alertId: event.alert_id,
      at: event.happened_at.toISOString(),
    })),
    details: detailsOf(row.details),
    next: adviceFor(item, user),
  };
}

/** An alert that could not be applied. */
export interface DeadLetter {
  readonly id: string;
  readonly server: string;
  readonly reason: string;
  readonly at: string;
  /** As it came, or its first 4,000 characters. */
  readonly body: string;
}

/** Oldest first. */
export async function listDeadLetters({ gateway }: Pick<AdminContext, "gateway">): Promise<DeadLetter[]> {
  const rows = await gateway.find("alert_dead_letter", { orderBy: [{ column: "happened_at" }] });
  return rows.map((row) => ({
    id: row.id,
    server: row.server_name,
    reason: row.reason,
    at: row.happened_at.toISOString(),
    body: row.body,
  }));
}

function detailsOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : { value };
  } catch {
    return { text: json };
  }
}
