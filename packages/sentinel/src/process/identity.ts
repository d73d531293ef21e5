/**
 * Which process is ours: read from /proc, synchronously, because each question is one small read of memory.
 *
 * I1 A process is the same only if pid, start time and boot agree; a pid alone is never trusted.
 * I2 A zombie is dead.
 * I3 The launch id and the attempt travel in the environment, so that a process is found again whose pid nobody wrote
 *    down, and is told from what its predecessor left behind.
 *
 * No schemas here: the watcher reads this, and must stay small (they are a third of its memory).
 */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/pid/stat: hundredths of a second from boot to its start. */
  readonly startTime: number;
  /** Changes with every boot of the host. */
  readonly bootId: string;
  readonly launchId: string;
}

/** Whether what was read from a file is an identity. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== "object" || value === null) return false;
  if (!("pid" in value && "startTime" in value && "bootId" in value && "launchId" in value)) return false;
  const { pid, startTime, bootId, launchId } = value;
  return (
    typeof pid === "number" &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    typeof startTime === "number" &&
    Number.isFinite(startTime) &&
    startTime >= 0 &&
    typeof bootId === "string" &&
    typeof launchId === "string"
  );
}

/** The interesting fields of one /proc/pid/stat. */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly startTime: number;
}

/** A live process that carries one of our launch ids. */
export interface FoundProcess extends ProcessStat {
  readonly launchId: string;
  /** The how-manieth launch under this id it was, or descends from: 0 the first, 1 its first replacement. */
  readonly attempt: number;
  /** Leads its own session, as what we launch does; what it forks does not, unless it makes itself a daemon. */
  readonly isLeader: boolean;
  /** Variables `CASTELLAN_*` of its environment. */
  readonly labels: ReadonlyMap<string, string>;
}

/**
 * What earlier looks have found at each pid: null = it carries no launch id, and never will, for that comes with birth. Of
 * use for as long as no pid can have been given away again between two looks.
 */
export type KnownProcesses = Map<number, FoundProcess | null>;

/** Reads the process table of this host. */
export interface ProcReader {
  readonly bootId: string;
  /** Null when there is no such process or it is a zombie. */
  stat(pid: number): ProcessStat | null;
  /** Also of a child that has ended and is not reaped yet. */
  startTimeOf(pid: number): number | null;
  /** Whether exactly this process lives. */
  isAlive(identity: ProcessIdentity): boolean;
  /** Live processes with a launch id, or with this one. Reads every environment that may be read: for start-up only. */
  findLaunched(launchId?: string): FoundProcess[];
  /**
   * All with a launch id, for looks that follow each other closely: reads only the environments of processes that are not
   * in `known`, and brings it up to date. Group and session are those of the first look at a process: it may have
   * made a session of its own since.
   */
  findLaunchedSince(known: KnownProcesses): FoundProcess[];
  /** The live processes by their group. Reads the whole table. */
  groups(): Map<number, ProcessStat[]>;
  /** What a process carries; null: nothing, or it is not readable. */
  launchIdOf(pid: number): string | null;
}

/** Milliseconds from boot to the start of a process: comparable with `Clock.bootMs`. */
export const startedAtMs = (identity: ProcessIdentity): number => identity.startTime * 10;

/** Parses /proc/pid/stat. The name in it may hold spaces and parentheses, so fields count from the last `)`. */
export function parseStat(text: string): ProcessStat | null {
  const close = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  const [state = "", , group = "", session = "", ...rest] = text.slice(close + 2).split(" ");
  const startTime = Number(rest[15]);
  if (close < 0 || !Number.isInteger(pid) || !Number.isFinite(startTime)) return null;
  return { pid, state, group: Number(group), session: Number(session), startTime };
}

/** `root` is the mount of procfs. Throws where there is none: only Linux has what this needs. */
export function createProcReader(root = "/proc"): ProcReader {
  const bootId = readFileSync(`${root}/sys/kernel/random/boot_id`, "utf8").trim();

  const anyStat = (pid: number): ProcessStat | null => {
    const text = readOrNull(`${root}/${pid}/stat`);
    return text === null ? null : parseStat(text);
  };
  const stat = (pid: number): ProcessStat | null => {
    const parsed = anyStat(pid);
    return parsed === null || parsed.state === "Z" || parsed.state === "X" ? null : parsed;
  };
  const pids = (): number[] =>
    readdirSync(root).flatMap((name) => {
      const pid = Number(name);
      return Number.isInteger(pid) && pid > 0 ? [pid] : [];
    });
  const labelsOf = (pid: number): Map<string, string> => parseLabels(readOrNull(`${root}/${pid}/environ`) ?? "");
  const launchedWith = (pid: number, labels: Map<string, string>): FoundProcess | null => {
    const launchId = labels.get("CASTELLAN_LAUNCH");
    const found = launchId === undefined ? null : stat(pid);
    if (launchId === undefined || found === null) return null;
    const isLeader = found.session === pid && found.group === pid;
    return { ...found, launchId, attempt: attemptOf(labels), labels, isLeader };
  };

  return {
    bootId,
    stat,
    startTimeOf: (pid) => anyStat(pid)?.startTime ?? null,
    isAlive: (identity) => identity.bootId === bootId && stat(identity.pid)?.startTime === identity.startTime,
    findLaunched: (launchId) =>
      pids().flatMap((pid) => {
        const found = launchedWith(pid, labelsOf(pid));
        return found === null || (launchId !== undefined && found.launchId !== launchId) ? [] : [found];
      }),
    findLaunchedSince(known) {
      const live = pids();
      const isLive = new Set(live);
      for (const pid of known.keys()) if (!isLive.has(pid)) known.delete(pid);
      for (const pid of live) {
        if (known.has(pid)) continue;
        const environ = readOrNull(`${root}/${pid}/environ`);
        // Empty is also what is read of a process that is just becoming another program: ask again.
        if (environ !== "") known.set(pid, launchedWith(pid, parseLabels(environ ?? "")));
      }
      return [...known.values()].filter((found) => found !== null);
    },
    groups() {
      const groups = new Map<number, ProcessStat[]>();
      for (const pid of pids()) {
        const found = stat(pid);
        if (found === null) continue;
        const members = groups.get(found.group);
        if (members === undefined) groups.set(found.group, [found]);
        else members.push(found);
      }
      return groups;
    },
    launchIdOf: (pid) => labelsOf(pid).get("CASTELLAN_LAUNCH") ?? null,
  };
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // gone, or another user's: not ours either way
  }
}

function attemptOf(labels: ReadonlyMap<string, string>): number {
  const attempt = Number(labels.get("CASTELLAN_ATTEMPT"));
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 0;
}

function parseLabels(environ: string): Map<string, string> {
  const labels = new Map<string, string>();
  if (!environ.includes("CASTELLAN_")) return labels;
  for (const entry of environ.split("\0")) {
    const equals = entry.indexOf("=");
    if (equals > 0 && entry.startsWith("CASTELLAN_")) labels.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return labels;
}
