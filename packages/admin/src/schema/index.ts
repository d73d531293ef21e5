/** The door of those who move a schema, copy it into a file, and bring it back. */
export { backupLines, openBackup } from "./backup-lines.ts";
export { cancelMove, type MovedPlace, moveSchema, type SchemaMoved } from "./move-schema.ts";
export { restoreSchema } from "./restore.ts";
