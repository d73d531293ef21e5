/** What the operating system allows a program of this user. */
import { readFileSync } from "node:fs";

export interface LimitFacts {
  /** Open files a process may have; null = not known, infinity = no limit. */
  readonly openFiles: number | null;
}

export function examineLimits(): LimitFacts {
  try {
    const line = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    if (line?.[1] === undefined) return { openFiles: null };
    return { openFiles: line[1] === "unlimited" ? Number.POSITIVE_INFINITY : Number(line[1]) };
  } catch {
    return { openFiles: null }; // no /proc: nothing is known, which is what it says
  }
}
