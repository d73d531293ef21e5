/**
 * How a step says that it was left undone because a server was missing, or not there yet: its result begins with one of these
 * codes. The node catches up with such a step by itself; one that failed by itself is somebody's business.
 */
const CODES = ["SERVER_DOWN: ", "NOT_YET: "];

/** The code that a result begins with, or an empty text. */
export function undoneCode(result: string | null): string {
  return CODES.find((code) => result?.startsWith(code) ?? false) ?? "";
}

export function isLeftUndone({ state, result }: { readonly state: string; readonly result: string | null }): boolean {
  return (state === "failed" || state === "skipped" || state === "unknown") && undoneCode(result) !== "";
}
