/** Who is there, and who did what. */
import { int, nullable, string, table, text, time } from "../columns.ts";
import { instanceColumns } from "./instance.ts";

export const active_logins = table(
  "active_logins",
  {
    user_id: string(37),
    ...instanceColumns,
    user_name: string(64),
    process_id: int(),
    filsh: int(),
    windows: int(),
    station_id: string(32),
  },
  {
    primaryKey: { name: "pk_active_logins", columns: ["user_id"] },
    indexes: [{ name: "ix_active_logins_machine", columns: ["logical_machine_id"], unique: false }],
  },
);

/** Who did what. Append-only. Writers: `admin`; the desk for what it is asked to do with a work item. */
export const audit_log = table(
  "audit_log",
  {
    id: string(36),
    happened_at: time(),
    by_user: string(64),
    /** Host the command ran on. */
    station: string(64),
    /** Program and command it came by: `swadm set_master`. Null: it did not come by a command line. */
    command: nullable(string(64)),
    what: string(64),
    details: text(),
  },
  {
    primaryKey: { name: "pk_audit_log", columns: ["id"] },
    indexes: [{ name: "ix_audit_log_time", columns: ["happened_at"], unique: false }],
  },
);
