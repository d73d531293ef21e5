/**
 * Keeps each instance's output within its bound while it is written to. One timer for all files; a look is one `stat`.
 *
 * T1 Only whole grains from the head are cut, and three quarters of the bound stay: what is cut is the oldest.
 * T2 Nothing is remembered on disk. A worker killed at any moment leaves the file cut or not cut; the next one looks again.
 * T3 What a process writes between two looks, or while no worker lives, comes on top of the bound until the next look.
 */
import { statSync } from "node:fs";
import { type Clock, formatSize, type Logger, type Timer } from "@castellan/kernel";
import type { CutHead } from "./cut-head.ts";
import { CUT_GRAIN } from "./read-output.ts";

const LOOK_MS = 1000;
/** While something writes fast. */
const QUICK_LOOK_MS = 100;

export interface Trimmed {
  readonly path: string;
  /** The most bytes to keep, as of now. */
  keep(): number;
  /** Everything in the file has moved forward by so many bytes. */
  onMoved(bytes: number): void;
}

export interface OutputTrim {
  /** Looks after a file until the returned function is called. */
  watch(file: Trimmed): () => void;
}

interface Watched extends Trimmed {
  size: number;
  lookedAtMs: number;
  /** Where only a hole could be made: its end. */
  hole: number;
  hasFailed: boolean;
}

export function createOutputTrim(clock: Clock, log: Logger, cut: CutHead): OutputTrim {
  const all = new Set<Watched>();
  let timer: Timer | null = null;
  /** Two looks at once would both cut what one of them is to cut. */
  let isLooking = false;

  /** Whether it grows so fast that the next usual look would come late. */
  const trim = async (one: Watched): Promise<boolean> => {
    const size = statSync(one.path, { throwIfNoEntry: false })?.size ?? 0;
    const nowMs = clock.bootMs();
    const soon = ((size - one.size) / Math.max(1, nowMs - one.lookedAtMs)) * LOOK_MS;
    if (size < one.hole) one.hole = 0;
    one.size = size;
    one.lookedAtMs = nowMs;
    const keep = one.keep();
    if (size - one.hole <= keep) return soon > keep / 4;
    const bytes = grains(size - Math.ceil(keep * 0.75));
    if (bytes <= one.hole) return false;
    const result = await cut(one.path, bytes);
    if (result.how === "refused") {
      const problem = { path: one.path, size: formatSize(size), reason: result.reason };
      if (!one.hasFailed) log.warn("the output of a process is over its bound and its head cannot be cut off", problem);
      one.hasFailed = true;
      return false;
    }
    one.hasFailed = false;
    one.hole = result.how === "hole" ? bytes : 0;
    if (result.how === "hole") return true;
    one.size -= bytes;
    one.onMoved(bytes);
    return true;
  };

  const look = async (): Promise<void> => {
    timer = null;
    isLooking = true;
    let isBusy = false;
    for (const one of all) {
      try {
        isBusy = (await trim(one)) || isBusy;
      } catch (thrown) {
        log.warn("the output of a process cannot be looked at", { path: one.path, error: thrown });
      }
    }
    isLooking = false;
    arm(isBusy ? QUICK_LOOK_MS : LOOK_MS);
  };
  const arm = (delayMs: number): void => {
    if (all.size > 0 && !isLooking) timer ??= clock.after(delayMs, () => void look());
  };

  return {
    watch(file) {
      const one: Watched = { ...file, size: 0, lookedAtMs: clock.bootMs(), hole: 0, hasFailed: false };
      all.add(one);
      arm(QUICK_LOOK_MS);
      return () => {
        all.delete(one);
        if (all.size > 0) return;
        timer?.cancel();
        timer = null;
      };
    },
  };
}

const grains = (bytes: number): number => Math.floor(bytes / CUT_GRAIN) * CUT_GRAIN;
