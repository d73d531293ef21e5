/**
 * The disk watch of a server: looks at every path of `fspart` in the configured interval, and at once when `fspart` has
 * changed, and tells of shortages. Rules are in `level.ts` and `disk-decision.ts`; here is only the round:
 * read, measure, decide, write down, tell.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Behavior, receive, setup } from "@castellan/actor";
import type { Clock, Logger } from "@castellan/kernel";
import { type AlertJournal, createAlertJournal } from "../alert-journal.ts";
import type { AlertSink, MessageLog, SentinelIdentity } from "../ports.ts";
import { type DiskFindings, decideDisk, type LowSpace, type PathFinding } from "./disk-decision.ts";
import { DiskState, emptyDiskState } from "./disk-state.ts";
import { addSample, type FreeSample, timeToFullMs } from "./forecast.ts";
import { type FspartEntry, formatThreshold, resolveThreshold } from "./fspart.ts";
import { type FspartFile, fspartStamp, readFspart } from "./fspart-file.ts";
import { createMeasurer, type StatFs } from "./measure.ts";
import { missingMount, parseFstab, parseMountinfo } from "./mounts.ts";

/** Read again in every round. */
export interface DiskSettings {
  /** Time between two rounds (CHECKFREQ x PROCESS_SLEEP), milliseconds. */
  readonly periodMs: number;
  /** The minimum of paths that name none (MINFREEKB), bytes. */
  readonly minFreeBytes: number;
}

export interface DiskWatchDeps {
  readonly identity: Pick<SentinelIdentity, "server" | "home">;
  readonly alerts: AlertSink;
  readonly messageLog: Pick<MessageLog, "error">;
  readonly settings: () => DiskSettings;
  /** Default: the operating system's. */
  readonly statfs?: (path: string) => Promise<StatFs>;
  /** What is to be mounted, and what is; default `/etc/fstab` and `/proc/self/mountinfo`. */
  readonly mountFiles?: { readonly fstab: string; readonly mountinfo: string };
  /** How long one file system may take to answer, milliseconds. Default 2,000. */
  readonly statDeadlineMs?: number;
}

/** Starts a round now instead of at the end of the period. */
export type DiskWatchCommand = { readonly type: "CheckDisks" };
type Private =
  | { readonly type: "Tick" }
  | { readonly type: "RoundIsSlow" }
  | { readonly type: "RoundEnded"; readonly error: Error | null };

/** How often `fspart` is looked at for a change, at least, milliseconds. */
const FSPART_POLL_MS = 5_000;
/** Between two rounds, whatever the settings say, milliseconds. */
const MIN_PAUSE_MS = 100;
/** A round that takes longer waits for the home's own disk: for `fspart`, for its state, for room in the outbox. */
const SLOW_ROUND_MS = 60_000;
/** Fewer free inodes than this share are a shortage, percent. */
const MIN_FREE_INODES = { unit: "percent", value: 5 } as const;

export function createDiskWatch(deps: DiskWatchDeps): Behavior<DiskWatchCommand> {
  return setup<DiskWatchCommand | Private>((context) => {
    const round = createDiskRound(deps, context.clock, context.log);
    let isRunning = false;
    let isWanted = false;
    const run = (isForced: boolean): void => {
      if (isRunning) {
        isWanted ||= isForced;
        return;
      }
      isRunning = true;
      isWanted = false;
      context.timers.cancel("tick");
      context.timers.once("slow", SLOW_ROUND_MS, { type: "RoundIsSlow" });
      context.pipeToSelf(round(isForced), {
        ok: () => ({ type: "RoundEnded", error: null }),
        failed: (error) => ({ type: "RoundEnded", error }),
      });
    };
    run(true);
    return receive<DiskWatchCommand | Private>({
      CheckDisks: () => run(true),
      Tick: () => run(false),
      RoundIsSlow: () => {
        context.log.warn("a round of the disk watch has not ended; nothing more is told until it does", {
          home: deps.identity.home,
          afterMs: SLOW_ROUND_MS,
        });
      },
      RoundEnded: ({ error }) => {
        isRunning = false;
        context.timers.cancel("slow");
        if (error)
          context.log.error("a round of the disk watch failed; the next one follows", { error: error.message });
        if (isWanted) run(true);
        else context.timers.once("tick", pauseMs(deps.settings()), { type: "Tick" });
      },
    });
  });
}

const pauseMs = ({ periodMs }: DiskSettings): number => Math.max(MIN_PAUSE_MS, Math.min(periodMs, FSPART_POLL_MS));

/** One round: true forces it, false leaves it out while neither the period is over nor `fspart` has changed. */
export function createDiskRound(deps: DiskWatchDeps, clock: Clock, log: Logger): (isForced: boolean) => Promise<void> {
  const { identity, settings } = deps;
  const journal: AlertJournal<DiskState> = createAlertJournal({
    path: join(identity.home, "run", "disk-watch.json"),
    schema: DiskState,
    alerts: deps.alerts,
    log,
  });
  const measure = createMeasurer({
    clock,
    deadlineMs: deps.statDeadlineMs ?? 2_000,
    ...(deps.statfs && { statfs: deps.statfs }),
  });
  const trends = new Map<string, readonly FreeSample[]>();
  let state: DiskState | null = null;
  let fspart: FspartFile | null = null;
  let lastRoundMs = Number.NEGATIVE_INFINITY;

  async function findPath(entry: FspartEntry, mounts: Mounts): Promise<PathFinding | null> {
    const { path } = entry;
    const missing = missingMount(path, mounts.wanted, mounts.mounted);
    const measured = missing === null ? await measure(path) : { reason: `${missing} is not mounted` };
    if (measured === "busy") {
      log.warn("a path is not checked because several file systems do not answer", { path });
      return null;
    }
    const usage = "usage" in measured ? measured.usage : null;
    if (usage) {
      trends.set(path, addSample(trends.get(path) ?? [], { atMs: clock.bootMs(), free: usage.freeBytes }));
    }
    const minimum = entry.minimum ?? { unit: "bytes", value: settings().minFreeBytes };
    const totalBytes = usage?.totalBytes ?? 0;
    const totalInodes = usage?.totalInodes ?? 0;
    return {
      path,
      space: "reason" in measured ? { readable: false, ...measured } : readable(measured.usage.freeBytes, totalBytes),
      spaceThresholds: {
        minimum: resolveThreshold(minimum, totalBytes),
        warning: entry.warning ? resolveThreshold(entry.warning, totalBytes) : 0,
        configured: `${formatThreshold(minimum)} ${formatThreshold(entry.warning)}`,
      },
      inodes: usage && totalInodes > 0 ? readable(usage.freeInodes, totalInodes) : null,
      inodeThresholds: {
        minimum: resolveThreshold(MIN_FREE_INODES, totalInodes),
        warning: 0,
        configured: formatThreshold(MIN_FREE_INODES),
      },
      timeToFullMs: timeToFullMs(trends.get(path) ?? []),
    };
  }

  async function find(file: FspartFile): Promise<DiskFindings> {
    const mounts = await readMounts(deps.mountFiles);
    const measured: PathFinding[] = [];
    for (const entry of file.entries) {
      const finding = await findPath(entry, mounts);
      if (finding) measured.push(finding);
    }
    return { listed: file.entries.map(({ path }) => path), measured, fspart: file };
  }

  return async (isForced) => {
    const isDue = clock.bootMs() - lastRoundMs >= settings().periodMs;
    if (!isForced && !isDue && (await fspartStamp(identity.home)) === fspart?.stamp) return;
    lastRoundMs = clock.bootMs();
    state ??= (await journal.load()) ?? emptyDiskState(clock.now());
    fspart = keepEntries(await readFspart(identity.home), fspart, state, identity.home);
    const findings = await find(fspart);
    const decision = decideDisk(state, findings, identity.server, clock.now());
    for (const path of trends.keys()) if (!findings.listed.includes(path)) trends.delete(path);
    await journal.commit(decision.state, decision.reports);
    state = decision.state;
    for (const low of decision.low) deps.messageLog.error(1609, lowMessage(low));
  };
}

/** While `fspart` cannot be read, the paths known before are watched on: an unreadable list is not an empty one. */
function keepEntries(file: FspartFile, before: FspartFile | null, state: DiskState, home: string): FspartFile {
  if (file.isReadable) return file;
  if (before) return { ...file, entries: before.entries };
  const known = Object.keys(state.paths);
  const paths = known.length === 0 ? [home] : known;
  return { ...file, entries: paths.map((path) => ({ line: 0, path, minimum: null, warning: null })) };
}

function lowMessage({ path, freeBytes, minimumBytes }: LowSpace): string {
  return `WARNING: Only ${toKilobytes(freeBytes)} kilobytes free in ${path}'s volume, at least ${toKilobytes(minimumBytes)} are needed`;
}

const toKilobytes = (bytes: number): number => Math.floor(bytes / 1024);

const readable = (free: number, total: number): { readable: true; free: number; total: number } => ({
  readable: true,
  free,
  total,
});

interface Mounts {
  readonly wanted: readonly string[];
  readonly mounted: ReadonlySet<string>;
}

/** Without the two files nothing is said to be missing. */
async function readMounts(files: DiskWatchDeps["mountFiles"]): Promise<Mounts> {
  const texts = await Promise.all([
    readFile(files?.fstab ?? "/etc/fstab", "utf8"),
    readFile(files?.mountinfo ?? "/proc/self/mountinfo", "utf8"),
  ]).catch(() => null);
  if (texts === null) return { wanted: [], mounted: new Set() };
  return { wanted: parseFstab(texts[0]), mounted: parseMountinfo(texts[1]) };
}
