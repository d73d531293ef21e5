/**
 * The portable copy of a schema: lines of JSON, in a gzip file. First a header; then for each table its columns and a
 * line for each row, in the order of the primary key; at last what there must have been.
 *
 * ```
 * {"castellan":"backup","format":1,"product":"0.2.0","schema":2,"node":"ips1","schemaId":null,"takenAt":"2026-11-22T12:00:00.000Z"}
 * {"table":"nodes","columns":["node_id","node_name","dir_name"]}
 * [1,"ips1","/srv/ips1"]
 * {"end":{"tables":{"nodes":1},"digest":"6f1a..."}}
 * ```
 */
import { z } from "zod";

const count = z.int().nonnegative();

export const BackupHeader = z.object({
  castellan: z.literal("backup"),
  /** Of this file; a later program reads earlier ones. */
  format: z.literal(1),
  /** Version of the program that wrote it. */
  product: z.string().max(64),
  /** Version of the schema. */
  schema: count,
  node: z.string().max(24),
  /** Which schema it is a copy of, where that has a name of its own. */
  schemaId: z.string().max(64).nullable(),
  takenAt: z.iso.datetime(),
});
export type BackupHeader = z.infer<typeof BackupHeader>;

export const BackupTable = z.strictObject({
  table: z.string().max(30),
  columns: z.array(z.string().max(30)).min(1).max(100),
});
export type BackupTable = z.infer<typeof BackupTable>;

/** Values in the order of the columns; times as ISO 8601. */
export const BackupRow = z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]));
export type BackupRow = z.infer<typeof BackupRow>;

export const BackupEnd = z.strictObject({
  end: z.strictObject({
    /** Rows of each table. */
    tables: z.record(z.string(), count),
    /** SHA-256 of all lines before this one, each with its line feed, as hexadecimal digits. */
    digest: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});
export type BackupEnd = z.infer<typeof BackupEnd>;
