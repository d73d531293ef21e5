/**
 * One accepted alert as a line of an outbox segment: `{crc32} {json}\n`. The checksum tells a record from what a crash or
 * a bad disk made of one.
 */
import { crc32 } from "node:zlib";
import { Alert, AlertPhase } from "@castellan/protocol";
import { z } from "zod";

export const OutboxRecord = z.object({
  /** From 1, without gaps. */
  number: z.int().positive(),
  /** CloudEvents id, the same on every resend. */
  id: z.string().min(1).max(64),
  phase: AlertPhase,
  /** Reporting the same key again is the same alert. */
  key: z.string().optional(),
  alert: Alert,
});
export type OutboxRecord = z.infer<typeof OutboxRecord>;

export interface OutboxDraft {
  readonly phase: AlertPhase;
  readonly alert: Alert;
  /** Reporting a key again that is among the last 1,000 accepted answers with that record. */
  readonly key?: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const NEWLINE = 0x0a;
const SPACE = 0x20;
const CHECKSUM_LENGTH = 8;

const checksum = (body: Uint8Array): string => crc32(body).toString(16).padStart(CHECKSUM_LENGTH, "0");

export function encodeRecord(record: OutboxRecord): Uint8Array {
  const body = encoder.encode(JSON.stringify(record));
  const line = new Uint8Array(CHECKSUM_LENGTH + 1 + body.length + 1);
  line.set(encoder.encode(checksum(body)));
  line[CHECKSUM_LENGTH] = SPACE;
  line.set(body, CHECKSUM_LENGTH + 1);
  line[line.length - 1] = NEWLINE;
  return line;
}

/** The record of one line (without its newline), or null when the line is damaged. */
export function decodeRecord(line: Uint8Array): OutboxRecord | null {
  if (line.length <= CHECKSUM_LENGTH + 1 || line[CHECKSUM_LENGTH] !== SPACE) return null;
  const body = line.subarray(CHECKSUM_LENGTH + 1);
  try {
    if (decoder.decode(line.subarray(0, CHECKSUM_LENGTH)) !== checksum(body)) return null;
    const parsed = OutboxRecord.safeParse(JSON.parse(decoder.decode(body)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // not UTF-8, or not JSON: damaged like any other
  }
}

/** What one segment holds. */
export interface SegmentScan {
  readonly records: readonly OutboxRecord[];
  /** Byte ranges that are no record, in order; the last one may be a torn tail. */
  readonly damaged: readonly { readonly start: number; readonly end: number }[];
  /** Where the last good record ends. */
  readonly goodLength: number;
}

/** Reads a segment line by line. Numbers must grow: a record that goes back, or further ahead than `maxGap`, counts as damaged. */
export function scanSegment(data: Uint8Array, after: number, maxGap = Number.POSITIVE_INFINITY): SegmentScan {
  const records: OutboxRecord[] = [];
  const damaged: { start: number; end: number }[] = [];
  let last = after;
  let goodLength = 0;
  for (let start = 0; start < data.length; ) {
    const newline = data.indexOf(NEWLINE, start);
    const end = newline === -1 ? data.length : newline + 1;
    const record = newline === -1 ? null : decodeRecord(data.subarray(start, newline));
    if (record !== null && record.number > last && record.number - last <= maxGap) {
      records.push(record);
      last = record.number;
      goodLength = end;
    } else {
      damaged.push({ start, end });
    }
    start = end;
  }
  return { records, damaged, goodLength };
}
