/**
 * Asks a file system how full it is, without ever being held up by it. A call to a dead network mount does not return, cannot
 * be cancelled, and keeps one of the few threads that all file access of this program shares; so only some calls may hang at
 * a time, and a path whose call hangs is not asked again until that call has come back.
 */
import { statfs as nodeStatfs } from "node:fs/promises";
import { type Clock, ensureError, systemCode } from "@castellan/kernel";

export interface Usage {
  /** Bytes available to an ordinary user. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  /** 0 = this file system has no fixed number of inodes. */
  readonly totalInodes: number;
}

/** `busy`: not asked, too many other calls hang; what was known stays. */
export type Measured = { readonly usage: Usage } | { readonly reason: string } | "busy";

export interface StatFs {
  readonly bavail: bigint;
  readonly bsize: bigint;
  readonly blocks: bigint;
  readonly files: bigint;
  readonly ffree: bigint;
}

export interface MeasurerDeps {
  readonly clock: Clock;
  /** How long one file system may take to answer, milliseconds. */
  readonly deadlineMs: number;
  /** For tests; default the operating system's. */
  readonly statfs?: (path: string) => Promise<StatFs>;
}

/** Of the four threads of Node's pool this many may be lost to dead mounts; one must be left for everything else. */
const MAX_OUTSTANDING = 3;

export function createMeasurer({ clock, deadlineMs, statfs }: MeasurerDeps): (path: string) => Promise<Measured> {
  const ask = statfs ?? ((path: string): Promise<StatFs> => nodeStatfs(path, { bigint: true }));
  const outstanding = new Set<string>();

  return async (path) => {
    if (outstanding.has(path)) return { reason: "the file system does not answer" };
    if (outstanding.size >= MAX_OUTSTANDING) return "busy";
    outstanding.add(path);
    const answer = ask(path).then(
      (found): Measured => ({ usage: toUsage(found) }),
      (thrown): Measured => ({ reason: reasonOf(thrown) }),
    );
    const settled = answer.then((measured) => {
      outstanding.delete(path);
      return measured;
    });
    return beforeDeadline(settled);
  };

  function beforeDeadline(answer: Promise<Measured>): Promise<Measured> {
    return new Promise((resolve) => {
      const timer = clock.after(deadlineMs, () => resolve({ reason: `no answer within ${deadlineMs} ms` }));
      void answer.then((measured) => {
        timer.cancel();
        resolve(measured);
      });
    });
  }
}

function reasonOf(thrown: unknown): string {
  const code = systemCode(thrown);
  if (code === "ENOENT" || code === "ENOTDIR") return "it does not exist";
  if (code === "EACCES") return "access is denied";
  return ensureError(thrown).message;
}

function toUsage({ bavail, bsize, blocks, files, ffree }: StatFs): Usage {
  return {
    freeBytes: toNumber(bavail * bsize),
    totalBytes: toNumber(blocks * bsize),
    freeInodes: toNumber(ffree),
    totalInodes: toNumber(files),
  };
}

/** Exact up to 8 PiB, clamped above: nobody is short of space there. */
function toNumber(value: bigint): number {
  if (value < 0n) return 0;
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
