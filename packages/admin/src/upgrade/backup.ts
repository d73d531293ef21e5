/** Whether there is a backup to go back to, as far as that is on record: one that `castellan backup` made since the schema last became another. */
import type { Gateway } from "@castellan/store";
import { auditRow } from "../audit.ts";
import { changePatiently } from "../change-patiently.ts";
import type { AdminContext } from "../context.ts";

export interface BackupOnRecord {
  readonly at: Date;
  /** Host and path. */
  readonly station: string;
  readonly file: string;
  /** Why it is not one to rely on; null: it is. */
  readonly problem:
    | "older than a day"
    | "of before the schema was last changed"
    | "of another version of the schema"
    | null;
}

const RECENT_MS = 24 * 60 * 60 * 1000;
/** After these the schema is not what was backed up. */
const CHANGES = ["schema.migrate", "schema.move", "schema.restore"] as const;

export async function recordBackup(ctx: AdminContext, details: Readonly<Record<string, unknown>>): Promise<void> {
  const row = auditRow(ctx, "schema.backup", details);
  await changePatiently("the record of commands", () => ctx.gateway.commit([row]));
}

/** Null: none is on record. `version`: of the schema as it is, also one that this release has not migrated yet. */
export async function lastBackup(gateway: Gateway, version: number, now: Date): Promise<BackupOnRecord | null> {
  const [made, ...changes] = await Promise.all(["schema.backup", ...CHANGES].map((what) => last(gateway, what)));
  if (made === undefined || made === null) return null;
  const changedAt = changes.flatMap((row) => (row === null ? [] : [row.happened_at]));
  const { file, takenAt, schema } = detailsOf(made.details);
  const at = takenAt ?? made.happened_at;
  // A migration by hand, or one that was killed before it was on record, left the version alone behind.
  const problem = schema === version ? problemOf(at, changedAt, now) : "of another version of the schema";
  return { at, station: made.station, file, problem };
}

/** Pure. */
export function problemOf(madeAt: Date, changedAt: readonly Date[], now: Date): BackupOnRecord["problem"] {
  if (changedAt.some((at) => at >= madeAt)) return "of before the schema was last changed";
  return now.getTime() - madeAt.getTime() > RECENT_MS ? "older than a day" : null;
}

async function last(gateway: Gateway, what: string) {
  const orderBy = [{ column: "happened_at", descending: true }] as const;
  const [row] = await gateway.find("audit_log", { where: { what }, orderBy, limit: 1 });
  return row ?? null;
}

/** Rows of others may hold anything. `takenAt`: the moment that the backup holds; what came later is not in it. */
function detailsOf(text: string): { readonly file: string; readonly takenAt: Date | null; readonly schema: unknown } {
  const details = parsed(text);
  const valueOf = (name: string): unknown =>
    typeof details === "object" && details !== null ? Reflect.get(details, name) : null;
  const word = (name: string): string => {
    const value = valueOf(name);
    return typeof value === "string" ? value : "?";
  };
  const takenAt = new Date(word("takenAt"));
  const isTime = !Number.isNaN(takenAt.getTime());
  return { file: word("file"), takenAt: isTime ? takenAt : null, schema: valueOf("schema") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
