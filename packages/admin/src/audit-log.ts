/** Who changed what, when, from where. */
import type { Query, Row } from "@castellan/store";
import type { AdminContext } from "./context.ts";

export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly by: string;
  /** Host the command ran on. */
  readonly station: string;
  /** Null: it did not come by a command line. */
  readonly command: string | null;
  /** `{noun}.{verb}` */
  readonly what: string;
  readonly details: unknown;
}

export interface AuditQuery {
  readonly sinceMs?: number;
  readonly by?: string;
  /** The last so many; at most 10,000. */
  readonly last?: number;
}

const MOST = 10_000;

/** The latest, in the order in which they happened. */
export async function readAuditLog(
  { gateway, clock }: Pick<AdminContext, "gateway" | "clock">,
  { sinceMs, by, last = 100 }: AuditQuery,
): Promise<AuditEntry[]> {
  const query: Query<"audit_log"> = {
    where: {
      ...(sinceMs === undefined ? {} : { happened_at: { above: new Date(clock.now().getTime() - sinceMs) } }),
      ...(by === undefined ? {} : { by_user: by }),
    },
    orderBy: [
      { column: "happened_at", descending: true },
      { column: "id", descending: true },
    ],
    limit: Math.min(last, MOST),
  };
  return (await gateway.find("audit_log", query)).reverse().map(entryOf);
}

const entryOf = (row: Row<"audit_log">): AuditEntry => ({
  id: row.id,
  at: row.happened_at,
  by: row.by_user,
  station: row.station,
  command: row.command,
  what: row.what,
  details: detailsOf(row.details),
});

/** Rows of others may hold anything. */
function detailsOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
