/**
 * How far each error file has been read (`run/error-files.json`). A cursor follows the *file* (device, inode, birth time),
 * not the name: a file that is renamed keeps its cause, and what is appended to it meanwhile is not lost; a file created
 * under the old name is another file and another cause.
 */
import { z } from "zod";

export const Cursor = z.object({
  /** Where it was last seen, absolute. */
  path: z.string(),
  /** Where it was first seen: the subject of its alerts. */
  subject: z.string(),
  kind: z.enum(["error-file", "warn-file"]),
  device: z.string(),
  inode: z.string(),
  /** Nanoseconds; "0" where the file system does not know. */
  birthTimeNs: z.string(),
  /** Everything before it has been told (or was not to be). Bytes. */
  offset: z.int().nonnegative(),
  /** How often the file was emptied and began again; part of the cause. */
  rewrites: z.int().nonnegative(),
  cause: z.string(),
  /** Whether the cause has been raised. A file with nothing but our own messages is read and not raised. */
  isRaised: z.boolean(),
  /** The offset lies within a line whose beginning has been told. */
  isMidLine: z.boolean(),
  /** The first bytes of the file, to notice one that was emptied and filled again between two looks. */
  head: z.object({ length: z.int().nonnegative(), hash: z.string() }),
});
export type Cursor = z.infer<typeof Cursor>;

/** A path of the patterns that is no regular file, and its open cause. */
const Refusal = z.object({ path: z.string(), cause: z.string() });
export type Refusal = z.infer<typeof Refusal>;

export const ErrorFilesState = z.object({
  cursors: z.array(Cursor),
  refusals: z.array(Refusal),
  /** The number of the next refusal. */
  nextGeneration: z.int().positive(),
  /** The checks were switched off: what was written meanwhile does not count. */
  isSilenced: z.boolean(),
});
export type ErrorFilesState = z.infer<typeof ErrorFilesState>;

export interface FileStat {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
  readonly birthTimeNs: string;
  readonly size: number;
}

/** What can become of a file. One that was replaced is `new`: the cursor of the other follows that to its new name. */
export type FileChange = "new" | "grown" | "unchanged" | "truncated";

/** What has become of a file since its cursor was written; null = it has none. */
export function decideFile(cursor: Pick<Cursor, "offset"> | null, { size }: Pick<FileStat, "size">): FileChange {
  if (cursor === null) return "new";
  if (size < cursor.offset) return "truncated";
  return size > cursor.offset ? "grown" : "unchanged";
}

type Identity = Pick<FileStat, "device" | "inode" | "birthTimeNs">;

export const isSameFile = (one: Identity, other: Identity): boolean => identityOf(one) === identityOf(other);

export const identityOf = ({ device, inode, birthTimeNs }: Identity): string => `${device}-${inode}-${birthTimeNs}`;

/** The generation part of a cause key. */
export function generationOf(file: Identity, rewrites: number): string {
  return rewrites === 0 ? identityOf(file) : `${identityOf(file)}-${rewrites}`;
}
