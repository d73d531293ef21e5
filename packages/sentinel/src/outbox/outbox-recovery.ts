/**
 * What an outbox finds on disk when it opens.
 *
 * R1 Every record that was acknowledged is found again, once, in order.
 * R2 Whatever follows the last good record was never acknowledged: it is cut off.
 * R3 Numbers stay without gaps, since the desk applies none after a gap: a record that the disk has damaged is replaced by
 *    an alert that says so, and its bytes are kept aside.
 * R4 Without segments, or with fewer records than were confirmed, nothing is known of the numbers already used: the outbox
 *    begins again under a new id.
 */
import type { OutboxDisk } from "./outbox-disk.ts";
import { encodeRecord, type OutboxRecord, scanSegment } from "./outbox-record.ts";

const SEGMENT = /^(\d{12})\.log$/;
export const CONFIRMED = "confirmed";
/** Holds the id, and the number under which it began. */
const ID = "id";
/** More numbers are never missing at once: a record beyond is not of this outbox, and each missing one is replaced. */
const MAX_GAP = 100_000;
/** Beyond this many, damaged pieces are counted but no longer kept. */
const MAX_ASIDE = 100;

export const segmentName = (first: number): string => `${String(first).padStart(12, "0")}.log`;

export interface Segment {
  readonly name: string;
  readonly first: number;
  last: number;
  bytes: number;
}

/** An outbox's id, and the first number that counts under it: what is older belongs to an earlier id. */
export interface OutboxName {
  readonly id: string;
  readonly first: number;
}

export interface Recovered {
  readonly name: OutboxName;
  /** Ascending. The only ones that may be deleted are the first. */
  readonly segments: Segment[];
  readonly confirmed: number;
  readonly last: number;
  /** Records that had to be replaced. */
  readonly damaged: number;
}

export interface RecoveryOptions {
  readonly disk: OutboxDisk;
  readonly newId: () => string;
  /** The record that takes the place of a damaged one. */
  readonly substitute: (number: number) => OutboxRecord;
  /** Sees every record, in order. */
  readonly visit: (record: OutboxRecord) => void;
}

export async function recoverOutbox({ disk, newId, substitute, visit }: RecoveryOptions): Promise<Recovered> {
  const names = await disk.list();
  const found = names.filter((name) => SEGMENT.test(name)).sort();
  if (found.length === 0) return freshOutbox(disk, newId);

  const segments: Segment[] = [];
  let aside = names.filter((name) => name.startsWith("damaged-")).length;
  let last = Number(found[0]?.slice(0, 12)) - 1;
  let damaged = 0;
  for (const [at, name] of found.entries()) {
    const data = await disk.read(name);
    const scan = scanSegment(data, last, MAX_GAP);
    const lost = missing(scan.records, last);
    const inside = scan.damaged.filter((range) => at < found.length - 1 || range.start < scan.goodLength);
    for (const { start, end } of inside) {
      aside += 1;
      if (aside <= MAX_ASIDE)
        await disk.replace(`damaged-${name}-${start}`, Buffer.from(data.subarray(start, end)).toString("latin1"));
    }
    const records = [...scan.records, ...lost.map(substitute)].sort((a, b) => a.number - b.number);
    damaged += lost.length;
    let bytes = scan.goodLength;
    if (inside.length > 0 || lost.length > 0) bytes = await rewrite(disk, name, records);
    else if (scan.goodLength < data.length) await disk.truncate(name, scan.goodLength);
    for (const record of records) visit(record);
    last = records.at(-1)?.number ?? last;
    segments.push({ name, first: records[0]?.number ?? last + 1, last, bytes });
  }
  const confirmed = await readNumber(disk, names);
  if (confirmed > last) {
    for (const name of found) await disk.remove(name);
    return freshOutbox(disk, newId);
  }
  const name = await readOrMakeName(disk, names, newId);
  return { name, segments, confirmed: Math.max(confirmed, name.first - 1), last, damaged };
}

/** From now on the outbox is called that; one atomic change on disk. */
export async function writeName(disk: OutboxDisk, { id, first }: OutboxName): Promise<void> {
  await disk.replace(ID, `${id} ${first}`);
}

async function freshOutbox(disk: OutboxDisk, newId: () => string): Promise<Recovered> {
  const name = { id: newId(), first: 1 };
  await writeName(disk, name);
  await disk.remove(CONFIRMED);
  return { name, segments: [], confirmed: 0, last: 0, damaged: 0 };
}

async function readOrMakeName(disk: OutboxDisk, names: readonly string[], newId: () => string): Promise<OutboxName> {
  const kept = names.includes(ID) ? Buffer.from(await disk.read(ID)).toString("utf8") : "";
  const [, id, first] = /^([a-z0-9-]{8,64}) (\d{1,15})$/.exec(kept) ?? [];
  if (id !== undefined) return { id, first: Number(first) };
  const name = { id: newId(), first: 1 };
  await writeName(disk, name);
  return name;
}

async function readNumber(disk: OutboxDisk, names: readonly string[]): Promise<number> {
  if (!names.includes(CONFIRMED)) return 0;
  const number = Number(Buffer.from(await disk.read(CONFIRMED)).toString("utf8"));
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

/** The numbers between `after` and the last record that no record has. */
function missing(records: readonly OutboxRecord[], after: number): number[] {
  const lost: number[] = [];
  let expected = after + 1;
  for (const { number } of records) {
    for (; expected < number; expected += 1) lost.push(expected);
    expected = number + 1;
  }
  return lost;
}

async function rewrite(disk: OutboxDisk, name: string, records: readonly OutboxRecord[]): Promise<number> {
  const data = Buffer.concat(records.map(encodeRecord));
  await disk.replace(name, data.toString("utf8"));
  return data.length;
}
