/** What a look at a server finds, and how it is said. */

export type Verdict = "ok" | "warn" | "fail";

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly found: string;
  /** What to do; null when nothing is wrong. */
  readonly remedy: string | null;
}

export type Answer = Omit<Finding, "check">;
export const ok = (found: string): Answer => ({ verdict: "ok", found, remedy: null });
export const warn = (found: string, remedy: string): Answer => ({ verdict: "warn", found, remedy });
export const fail = (found: string, remedy: string): Answer => ({ verdict: "fail", found, remedy });
