/** When a file system will be full if it goes on filling as it has lately. A hint for people; nothing acts on it. */

export interface FreeSample {
  /** Boot-time clock, milliseconds. */
  readonly atMs: number;
  readonly free: number;
}

const MAX_SAMPLES = 120;
const WINDOW_MS = 60 * 60_000;
/** Fewer, or closer together, say nothing about a trend. */
const MIN_SAMPLES = 3;
const MIN_SPAN_MS = 2_000;
/** Further away than this is "not soon", milliseconds. */
const HORIZON_MS = 30 * 24 * 60 * 60_000;

/** Adds a sample; the window is bounded in number and in age. */
export function addSample(samples: readonly FreeSample[], sample: FreeSample): readonly FreeSample[] {
  const recent = samples.filter(({ atMs }) => sample.atMs - atMs <= WINDOW_MS && atMs < sample.atMs);
  return [...recent, sample].slice(-MAX_SAMPLES);
}

/** Milliseconds from the last sample until nothing is free, by the least-squares slope; null when it is not filling. */
export function timeToFullMs(samples: readonly FreeSample[]): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || samples.length < MIN_SAMPLES || last.atMs - first.atMs < MIN_SPAN_MS) return null;
  let sumT = 0;
  let sumF = 0;
  for (const { atMs, free } of samples) {
    sumT += atMs - first.atMs;
    sumF += free;
  }
  const meanT = sumT / samples.length;
  const meanF = sumF / samples.length;
  let covariance = 0;
  let variance = 0;
  for (const { atMs, free } of samples) {
    const t = atMs - first.atMs - meanT;
    covariance += t * (free - meanF);
    variance += t * t;
  }
  const slope = variance === 0 ? 0 : covariance / variance;
  if (slope >= 0) return null;
  const remaining = last.free / -slope;
  return remaining <= HORIZON_MS ? Math.round(remaining) : null;
}
