/**
 * Counts the managed processes of a cluster under test several times a second, by what the kernel says: pid, start time and
 * the labels in their environment. Whatever the sentinels believe, two of one instance at one look are two.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface Counted {
  readonly pid: number;
  /** In clock ticks since boot: with the pid, one process and no other. */
  readonly startTime: string;
  readonly server: string;
  /** `WIS 2` */
  readonly label: string;
  readonly type: string;
  readonly launch: string;
  readonly firstMs: number;
  lastMs: number;
}

export interface Census {
  /** Looks now, and gives those alive. */
  look(): readonly Counted[];
  /** Everybody ever seen, in the order they were first seen. */
  readonly all: readonly Counted[];
  /** Two of one instance on one server, or two of an exclusive one anywhere; each pair once, with the time. */
  readonly doubles: readonly string[];
  readonly looks: number;
  /** The longest time between two looks, milliseconds: what is shorter may have been missed. */
  readonly longestGapMs: number;
  stop(): void;
}

export interface CensusOptions {
  /** Below it lie the homes of the servers. */
  readonly dir: string;
  /** At most one of each in the whole cluster. */
  readonly exclusiveTypes: ReadonlySet<string>;
  readonly everyMs?: number;
}

/** A child that has not executed its program yet has its parent's environment: so often a stranger is asked again. */
const QUESTIONS = 100;

export function takeCensus({ dir, exclusiveTypes, everyMs = 100 }: CensusOptions): Census {
  const known = new Map<string, Counted>();
  const strangers = new Map<string, number>();
  const doubles = new Map<string, string>();
  let alive: Counted[] = [];
  let looks = 0;
  let lastMs: number | null = null;
  let longestGapMs = 0;

  const meet = (pid: number): Counted | null => {
    const stat = statOf(pid);
    // A managed process leads its own session; what it forks does not.
    if (stat === null || stat.session !== pid) return null;
    const name = `${pid}@${stat.startTime}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const asked = strangers.get(name) ?? 0;
    if (asked >= QUESTIONS) return null;
    strangers.set(name, asked + 1);
    const labels = labelsOf(pid);
    const type = labels.get("CASTELLAN_TYPE");
    if (type === undefined || !(labels.get("CASTELLAN_HOME") ?? "").startsWith(`${dir}/`)) return null;
    const met: Counted = {
      pid,
      startTime: stat.startTime,
      server: labels.get("CASTELLAN_SERVER") ?? "",
      label: `${type} ${labels.get("CASTELLAN_INSTANCE")}`,
      type,
      launch: `${labels.get("CASTELLAN_LAUNCH")}#${labels.get("CASTELLAN_ATTEMPT")}`,
      firstMs: Date.now(),
      lastMs: Date.now(),
    };
    known.set(name, met);
    return met;
  };
  const look = (): readonly Counted[] => {
    const nowMs = Date.now();
    if (lastMs !== null) longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
    lastMs = nowMs;
    looks += 1;
    alive = [];
    const places = new Map<string, Counted>();
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      const one = Number.isInteger(pid) ? meet(pid) : null;
      if (one === null) continue;
      one.lastMs = nowMs;
      alive.push(one);
      const place = exclusiveTypes.has(one.type) ? one.label : `${one.label} on ${one.server}`;
      const other = places.get(place);
      // A look takes a while: the first may have ended before the second began.
      if (other !== undefined && lives(other)) {
        const both = `${place}: ${other.pid} on ${other.server} and ${one.pid} on ${one.server}`;
        if (!doubles.has(both)) doubles.set(both, `${new Date(nowMs).toISOString()} ${both}`);
      }
      places.set(place, one);
    }
    return alive;
  };
  look();
  const timer = setInterval(look, everyMs);
  return {
    look,
    get all() {
      return [...known.values()];
    },
    get doubles() {
      return [...doubles.values()];
    },
    get looks() {
      return looks;
    },
    get longestGapMs() {
      return longestGapMs;
    },
    stop: () => clearInterval(timer),
  };
}

const lives = ({ pid, startTime }: Counted): boolean => statOf(pid)?.startTime === startTime;

/** Null when it is gone, or dead and not yet reaped. */
function statOf(pid: number): { readonly session: number; readonly startTime: string } | null {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, , , session] = fields;
  if (state === undefined || session === undefined || state === "Z" || state === "X") return null;
  return { session: Number(session), startTime: fields[19] ?? "" };
}

function labelsOf(pid: number): Map<string, string> {
  const pairs = read(`/proc/${pid}/environ`)
    .split("\0")
    .filter((entry) => entry.startsWith("CASTELLAN_"))
    .map((entry): [string, string] => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]);
  return new Map(pairs);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone meanwhile
  }
}
