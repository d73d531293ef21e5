/**
 * The alerts of a server that the desk has not yet recorded: an append-only log in `run/outbox/`.
 *
 * F1 An append resolves only when its record is on disk; it then survives every crash of this program and of the host.
 * F2 Numbers are given in order, without gaps, and never twice for different alerts that anybody may have seen.
 * F3 Appends that arrive while the disk is busy share the next sync (group commit).
 * F4 A refusal is said clearly (`OUTBOX_FULL`, `OUTBOX_UNWRITABLE`: retryable) and leaves what was accepted untouched.
 */
import { CastellanError, ensureError, systemCode } from "@castellan/kernel";
import type { Alert, AlertPhase } from "@castellan/protocol";
import type { OutboxDisk } from "./outbox-disk.ts";
import { isNoSpace, OUTBOX_LIMITS, type OutboxLimits, recordOf, refusal } from "./outbox-limits.ts";
import { encodeRecord, type OutboxDraft, type OutboxRecord, scanSegment } from "./outbox-record.ts";
import { CONFIRMED, recoverOutbox, segmentName, writeName } from "./outbox-recovery.ts";

export interface OutboxFile {
  readonly id: string;
  /** Highest number given; 0 = none yet. */
  readonly last: number;
  /** Highest number the desk has recorded. */
  readonly confirmed: number;
  /** Lowest number that can still be read. */
  readonly oldest: number;
  /** Records the disk had damaged, found when it was opened. */
  readonly damaged: number;
  /** Rejects with `OUTBOX_FULL` or `OUTBOX_UNWRITABLE`, both retryable. */
  append(draft: OutboxDraft): Promise<OutboxRecord>;
  /** The record if it is in memory, as the newest are. */
  peek(number: number): OutboxRecord | undefined;
  /** At most `limit` records after that number, in order. */
  read(after: number, limit: number): Promise<readonly OutboxRecord[]>;
  /** The desk has recorded everything up to `number`. On disk with the next `maintain`. */
  confirm(number: number): void;
  /**
   * The desk knows numbers of this outbox that it does not know itself: its files are an older copy. What was accepted
   * since it was opened goes on under a new id, for under the old one the desk takes it for known.
   */
  renew(): Promise<void>;
  /** Housekeeping: writes what is confirmed, deletes what nobody needs, restores the reserve. Call it now and then. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

export interface OutboxFileOptions {
  readonly disk: OutboxDisk;
  readonly newId: () => string;
  /** The alert that stands for a record the disk has damaged. */
  readonly damagedAlert: (number: number) => Alert;
  readonly limits?: Partial<OutboxLimits>;
}

const RESERVE = "reserve";
/** This many of the newest records are also held in memory, so that publishing them reads nothing. */
const CACHED = 1024;

interface Waiting {
  readonly draft: OutboxDraft;
  readonly resolve: (record: OutboxRecord) => void;
  readonly reject: (error: Error) => void;
}

interface Accepted {
  readonly waiting: Waiting;
  readonly record: OutboxRecord;
}

/** Opens or makes the outbox. Rejects with `OUTBOX_UNWRITABLE` when the disk refuses. */
export async function openOutboxFile(options: OutboxFileOptions): Promise<OutboxFile> {
  const { disk, newId } = options;
  const limits = { ...OUTBOX_LIMITS, ...options.limits };
  const keys = new Map<string, OutboxRecord>();
  const cache = new Map<number, OutboxRecord>();
  const remember = (record: OutboxRecord): void => {
    cache.set(record.number, record);
    cache.delete(record.number - CACHED);
    if (record.key === undefined) return;
    keys.delete(record.key);
    keys.set(record.key, record);
    const oldest = keys.size > limits.remembered ? keys.keys().next().value : undefined;
    if (oldest !== undefined) keys.delete(oldest);
  };

  const recovered = await recoverOutbox({
    disk,
    newId,
    substitute: (number) => ({ number, id: newId(), phase: "raised", alert: options.damagedAlert(number) }),
    visit: remember,
  }).catch((thrown: unknown) => {
    throw refusal(thrown, disk.path);
  });
  const { segments } = recovered;
  let { confirmed, last, name } = recovered;
  let confirmedOnDisk = confirmed;
  let hasReserve = (await disk.list()).includes(RESERVE);
  let busy: Promise<void> | null = null;
  let closed = false;
  const waiting: Waiting[] = [];

  const unconfirmedBytes = (): number =>
    segments.reduce((sum, { last, bytes }) => sum + (last > confirmed ? bytes : 0), 0);

  function boundOf(phase: AlertPhase): CastellanError | null {
    const share = phase === "repeated" ? 1 : 1.25;
    const records = last - confirmed + waiting.length;
    if (records < limits.records * share && unconfirmedBytes() < limits.bytes * share) return null;
    return new CastellanError(
      "OUTBOX_FULL",
      `${disk.path} holds ${records} alerts that no work-item desk has recorded; see why the master does not record them`,
      { retryable: true, details: { path: disk.path, records } },
    );
  }

  /** Writes one batch as a whole or not at all. */
  async function write(batch: readonly OutboxRecord[]): Promise<void> {
    const data = Buffer.concat(batch.map(encodeRecord));
    let segment = segments.at(-1);
    if (segment === undefined || (segment.bytes > 0 && segment.bytes + data.length > limits.segmentBytes)) {
      segment = { name: segmentName(last + 1), first: last + 1, last, bytes: 0 };
    }
    try {
      await disk.append(segment.name, segment.bytes, data);
    } catch (thrown) {
      if (!isNoSpace(thrown) || !hasReserve) throw thrown;
      // The reserve exists for this moment: to be able to say that the disk is full.
      hasReserve = false;
      await disk.remove(RESERVE);
      await disk.append(segment.name, segment.bytes, data);
    }
    if (segments.at(-1) !== segment) segments.push(segment);
    segment.bytes += data.length;
    segment.last = last + batch.length;
    last = segment.last;
    for (const record of batch) remember(record);
  }

  /** Undoes what a failed write left behind. If even that fails, the next write goes over it, and opening cuts it off. */
  async function cutBack(): Promise<void> {
    const segment = segments.at(-1);
    try {
      if (segment) await disk.truncate(segment.name, segment.bytes);
      const leftover = segmentName(last + 1);
      if (segment?.name !== leftover) await disk.remove(leftover);
    } catch {
      // Said to the caller already by the failed write itself; nothing acknowledged lies beyond `bytes`.
      return;
    }
  }

  /** Takes what waits, up to half a segment: what goes to disk in one write, and what was already accepted. */
  function takeBatch(): { readonly fresh: Accepted[]; readonly repeats: Accepted[] } {
    const fresh: Accepted[] = [];
    const repeats: Accepted[] = [];
    const inBatch = new Map<string, OutboxRecord>();
    for (let bytes = 0; bytes < limits.segmentBytes / 2; ) {
      const next = waiting.shift();
      if (next === undefined) break;
      const { key } = next.draft;
      const known = key === undefined ? undefined : (keys.get(key) ?? inBatch.get(key));
      if (known !== undefined) {
        repeats.push({ waiting: next, record: known });
        continue;
      }
      const made = recordOf(next.draft, last + fresh.length + 1, newId(), limits.recordBytes);
      if (key !== undefined) inBatch.set(key, made.record);
      bytes += made.bytes;
      fresh.push({ waiting: next, record: made.record });
    }
    return { fresh, repeats };
  }

  let flushing = false;
  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const { fresh, repeats } = takeBatch();
      try {
        if (fresh.length > 0) await write(fresh.map(({ record }) => record));
        for (const { waiting, record } of [...fresh, ...repeats]) waiting.resolve(record);
      } catch (thrown) {
        const error = refusal(thrown, disk.path);
        for (const { waiting } of [...fresh, ...repeats]) waiting.reject(error);
        await cutBack();
      }
    }
    flushing = false; // in the same turn as the last look at `waiting`, so that nobody is left behind
  }

  /** One user of the disk at a time: appends, housekeeping, closing. */
  function exclusively(work: () => Promise<void>): Promise<void> {
    const turn = (busy ?? Promise.resolve()).then(work);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (busy === settled) busy = null;
      });
    busy = settled;
    return turn;
  }

  function startFlush(): void {
    if (flushing) return;
    flushing = true;
    void exclusively(flush).catch((thrown: unknown) => {
      flushing = false;
      for (const { reject } of waiting.splice(0)) reject(ensureError(thrown));
    });
  }

  async function maintain(): Promise<void> {
    if (confirmed !== confirmedOnDisk) {
      const number = confirmed;
      await disk.replace(CONFIRMED, String(number));
      confirmedOnDisk = number;
    }
    // The newest are kept for their keys, and the last segment for its numbers.
    const needed = Math.min(confirmedOnDisk, last - limits.remembered);
    for (let first = segments[0]; first && segments.length > 1 && first.last <= needed; first = segments[0]) {
      await disk.remove(first.name);
      segments.shift();
    }
    if (!hasReserve && (await disk.freeBytes()) > 4 * limits.reserveBytes) {
      // Not zeros: a file system that compresses or leaves holes would reserve nothing.
      await disk.replace(RESERVE, "reserved ".repeat(Math.ceil(limits.reserveBytes / 9)).slice(0, limits.reserveBytes));
      hasReserve = true;
    }
  }

  async function readSegments(after: number, limit: number): Promise<readonly OutboxRecord[]> {
    const found: OutboxRecord[] = [];
    // A copy: housekeeping may delete the first meanwhile, and a segment that is gone holds nothing that is needed.
    for (const segment of segments.filter(({ last, bytes }) => last > after && bytes > 0)) {
      if (found.length >= limit) break;
      const data = await disk.read(segment.name).catch((thrown: unknown) => {
        if (systemCode(thrown) === "ENOENT") return new Uint8Array(0);
        throw thrown;
      });
      found.push(...scanSegment(data.subarray(0, segment.bytes), after).records);
    }
    return found.slice(0, limit);
  }

  return {
    get id() {
      return name.id;
    },
    damaged: recovered.damaged,
    get last() {
      return last;
    },
    get confirmed() {
      return confirmed;
    },
    get oldest() {
      return Math.max(name.first, segments[0]?.first ?? last + 1);
    },
    append(draft) {
      if (closed)
        return Promise.reject(new CastellanError("OUTBOX_CLOSED", "the outbox is closed", { retryable: true }));
      const bound = boundOf(draft.phase);
      if (bound && !(draft.key !== undefined && keys.has(draft.key))) return Promise.reject(bound);
      return new Promise((resolve, reject) => {
        waiting.push({ draft, resolve, reject });
        startFlush();
      });
    },
    peek: (number) => cache.get(number),
    async read(after, limit) {
      const found: OutboxRecord[] = [];
      for (let next = after + 1; next <= last && found.length < limit; next += 1) {
        const record = cache.get(next);
        if (record === undefined) break;
        found.push(record);
      }
      return found.length > 0 ? found : readSegments(after, Math.min(limit, last - after));
    },
    confirm(number) {
      confirmed = Math.max(confirmed, Math.min(number, last));
    },
    renew: () =>
      exclusively(async () => {
        // What was confirmed in good order before stays confirmed: whoever makes numbers up makes no alert come twice.
        const known = Math.max(recovered.last, confirmed);
        const renewed = { id: newId(), first: known + 1 };
        await writeName(disk, renewed);
        name = renewed;
        confirmed = known;
      }),
    maintain: () => exclusively(maintain),
    async close() {
      closed = true;
      await exclusively(async () => {
        await maintain().catch(() => undefined); // what is not written now is only sent once more later
        await disk.close();
      });
    },
  };
}
