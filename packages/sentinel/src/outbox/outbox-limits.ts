/** How much an outbox takes, and how it says no. */
import { CastellanError, ensureError, formatSize, systemCode } from "@castellan/kernel";
import { type Alert, occurrencesOf } from "@castellan/protocol";
import type { OutboxDraft, OutboxRecord } from "./outbox-record.ts";

export interface OutboxLimits {
  readonly segmentBytes: number;
  /** One record; larger details are left out of it. */
  readonly recordBytes: number;
  /** Where repeated alerts are refused; all others are at five quarters of it. */
  readonly records: number;
  readonly bytes: number;
  readonly reserveBytes: number;
  /** How many of the newest records are kept, confirmed or not, to recognise a report that comes again. */
  readonly remembered: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  segmentBytes: 1024 ** 2,
  recordBytes: 256 * 1024,
  records: 1_000_000,
  bytes: 256 * 1024 ** 2,
  reserveBytes: 1024 ** 2,
  remembered: 1000,
};

/** The disk, or the user's share of it, is full. */
export const isNoSpace = (thrown: unknown): boolean => ["ENOSPC", "EDQUOT"].includes(systemCode(thrown) ?? "");

/** What a reporter is told when the disk refuses; the message says what to do. */
export function refusal(thrown: unknown, path: string): CastellanError {
  const cause = ensureError(thrown);
  const code = systemCode(thrown) ?? "unknown";
  const options = { retryable: true, cause, details: { path, code } };
  if (isNoSpace(thrown)) {
    return new CastellanError(
      "OUTBOX_FULL",
      `no space for alerts in ${path} (${code}): free space on that disk`,
      options,
    );
  }
  const remedy =
    code === "EROFS" || code === "EACCES" || code === "EPERM"
      ? "make the home directory writable for the sentinel's user"
      : "check the disk";
  return new CastellanError("OUTBOX_UNWRITABLE", `alerts cannot be written to ${path} (${code}): ${remedy}`, options);
}

/** By what a watch knows its alert again; one that is too long is none. */
export function dedupKeyOf({ details }: Alert): string | undefined {
  const { dedupKey } = details;
  return typeof dedupKey === "string" && dedupKey.length <= MAX_KEY ? dedupKey : undefined;
}

const MAX_KEY = 1024;

/** The record of a draft; details that cannot be kept are left out, all else is bounded by its schema. */
export function recordOf(
  draft: OutboxDraft,
  number: number,
  id: string,
  limit: number,
): { record: OutboxRecord; bytes: number } {
  const record = {
    number,
    id,
    phase: draft.phase,
    ...(draft.key === undefined ? {} : { key: draft.key }),
    alert: draft.alert,
  };
  const bytes = bytesOf(record);
  if (bytes !== null && bytes <= limit) return { record, bytes };
  const dedupKey = dedupKeyOf(draft.alert);
  const details = {
    count: occurrencesOf(draft.alert),
    ...(dedupKey === undefined ? {} : { dedupKey }),
    omitted: bytes === null ? "details were nested too deeply" : `details of ${formatSize(bytes)} were too large`,
  };
  return { record: { ...record, alert: { ...draft.alert, details } }, bytes: limit };
}

/** Null when it cannot be written: JSON is read to any depth, but not written. */
function bytesOf(record: OutboxRecord): number | null {
  try {
    return Buffer.byteLength(JSON.stringify(record));
  } catch {
    return null;
  }
}
