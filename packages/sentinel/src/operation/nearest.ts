/** "Did you mean": the known name nearest to what was typed. */

/** Number of characters to change, add or remove to make `a` into `b`. Names are short: at most 64 characters are compared. */
function distance(a: string, b: string): number {
  const from = a.slice(0, 64);
  const to = b.slice(0, 64);
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

/** The known name that differs from `typed` in at most a third of its letters (rounded up), whatever the case. */
export function nearest(typed: string, known: readonly string[]): string | null {
  const limit = Math.ceil(typed.length / 3);
  let best: { name: string; apart: number } | null = null;
  for (const name of known) {
    const apart = distance(typed.toLowerCase(), name.toLowerCase());
    if (apart <= limit && (best === null || apart < best.apart)) best = { name, apart };
  }
  return best?.name ?? null;
}
