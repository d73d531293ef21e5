/** Durations ("30s") and sizes ("500M") as people write them. */
import { CastellanError } from "./errors.ts";

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Milliseconds from `250ms`, `30s`, `5m`, `2h`, `1d`; a bare number is refused, for nobody can tell its unit. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const value = match ? Number(match[1]) * (DURATION_MS[match[2] ?? ""] ?? Number.NaN) : Number.NaN;
  if (!Number.isFinite(value)) {
    throw new CastellanError("BAD_DURATION", `"${text}" is not a duration; write for example 250ms, 30s, 5m, 2h`);
  }
  return value;
}

/** Bytes from `1024`, `500K`, `500M`, `2G`, `1T` (powers of 1024; a `B` or `iB` after the letter is accepted). */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const bytes = match
    ? Math.round(Number(match[1]) * (SIZE_BYTES[(match[2] ?? "").toUpperCase()] ?? Number.NaN))
    : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new CastellanError("BAD_SIZE", `"${text}" is not a size; write for example 500M or 2G`);
  }
  return bytes;
}

/** A size for people: `1.5 GiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A duration for people: `850 ms`, `42 s`, `5 min`, `3 h`, `2 d`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}
