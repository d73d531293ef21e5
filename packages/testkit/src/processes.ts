/**
 * What a test left running. Processes are found by a marker (a temporary directory, a token) in their arguments or
 * their environment, so detached ones and grandchildren count too.
 *
 * Invariants: this process and its ancestors are never listed, hence never killed; zombies are not alive; a marker
 * is long enough to be unlikely by chance.
 */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { CastellanError, systemCode } from "@castellan/kernel";
import { eventually } from "./eventually.ts";

export interface FoundProcess {
  readonly pid: number;
  readonly ppid: number;
  /** The kernel's state letter: `R`, `S`, `T` (stopped), ... */
  readonly state: string;
  /** Arguments separated by blanks. */
  readonly command: string;
}

/** Shorter markers are refused: they would match strangers. */
const MIN_MARKER = 8;

/** Every live process, this one and its ancestors apart, with `marker` in its arguments or environment. */
export function findProcesses(marker: string): FoundProcess[] {
  requireMarker(marker);
  const own = ownLine();
  const found: FoundProcess[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || own.has(pid)) continue;
    const command = readProc(pid, "cmdline");
    if (command === "" || (!command.includes(marker) && !readProc(pid, "environ").includes(marker))) continue;
    const stat = readStat(pid);
    if (stat === undefined || stat.state === "Z" || stat.state === "X") continue;
    found.push({ pid, ...stat, command: command.split("\0").join(" ").trim() });
  }
  return found;
}

/** Throws `PROCESSES_LEFT`, naming them, when some are still alive after `withinMs` (default 60 s). */
export async function assertNothingLeft(marker: string, withinMs = 60_000): Promise<void> {
  requireMarker(marker);
  const gone = await eventually(() => findProcesses(marker).length === 0, { withinMs }).catch(() => false);
  if (gone) return;
  const left = findProcesses(marker);
  if (left.length === 0) return;
  const lines = left.map(({ pid, ppid, state, command }) => `  ${pid} (parent ${ppid}, ${state}) ${command}`);
  throw new CastellanError("PROCESSES_LEFT", `still alive with ${marker}:\n${lines.join("\n")}`, { details: { left } });
}

/** SIGKILL of all at once: they are stopped first, so that none of them sees another die. Those that are gone are passed over. */
export function killTogether(pids: readonly number[]): void {
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch (thrown) {
        if (systemCode(thrown) !== "ESRCH") throw thrown;
      }
    }
  }
}

/** Kills every process with the marker, stopped ones too, until none is left. Gives those it found. */
export async function killAll(marker: string): Promise<FoundProcess[]> {
  requireMarker(marker);
  const killed = new Map<number, FoundProcess>();
  await eventually(
    () => {
      const alive = findProcesses(marker);
      for (const found of alive) {
        killed.set(found.pid, found);
        signalAll([found.pid], "SIGKILL");
      }
      return alive.length === 0;
    },
    { everyMs: 10, describe: `no process left with ${marker}` },
  );
  return [...killed.values()];
}

export interface ProcessTracker {
  /** Give this to `spawn` as (part of) the environment. */
  readonly env: Readonly<Record<"CASTELLAN_TEST_MARKER", string>>;
  readonly marker: string;
  find(): FoundProcess[];
  assertNothingLeft(withinMs?: number): Promise<void>;
  killAll(): Promise<FoundProcess[]>;
}

/** A fresh marker, and the functions above bound to it. */
export function trackProcesses(): ProcessTracker {
  const marker = randomUUID();
  return {
    marker,
    env: { CASTELLAN_TEST_MARKER: marker },
    find: () => findProcesses(marker),
    assertNothingLeft: (withinMs) => assertNothingLeft(marker, withinMs),
    killAll: () => killAll(marker),
  };
}

function requireMarker(marker: string): void {
  if (marker.length >= MIN_MARKER) return;
  throw new CastellanError("MARKER_TOO_SHORT", `the marker ${JSON.stringify(marker)} would match strangers`);
}

/** Those that are gone meanwhile are passed over. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (thrown) {
      if (systemCode(thrown) !== "ESRCH") throw thrown;
    }
  }
}

/** The kernel's state letter; null when the process is gone or only waits to be forgotten. */
export function stateOf(pid: number): string | null {
  const state = readStat(pid)?.state ?? "X";
  return state === "Z" || state === "X" ? null : state;
}

export function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").map(Number);
  return pids.filter((pid) => Number.isInteger(pid) && readStat(pid)?.ppid === parent);
}

function ownLine(): Set<number> {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 0 && !line.has(pid); pid = readStat(pid)?.ppid ?? 0) line.add(pid);
  return line;
}

/** One file of `/proc/PID`; empty when the process is gone or belongs to somebody else. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (thrown) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(systemCode(thrown) ?? "")) return "";
    throw thrown;
  }
}

function readStat(pid: number): { ppid: number; state: string } | undefined {
  const stat = readProc(pid, "stat");
  // The second field is the program's name in parentheses and may hold blanks and parentheses itself.
  const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === undefined || ppid === undefined ? undefined : { ppid: Number(ppid), state };
}
