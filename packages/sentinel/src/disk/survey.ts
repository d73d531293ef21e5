/** One look at every watched file system, without the history that alerts need: for whoever asks how a server is. */
import type { Clock } from "@castellan/kernel";
import { type FspartProblem, resolveThreshold } from "./fspart.ts";
import { readFspart } from "./fspart-file.ts";
import { createMeasurer } from "./measure.ts";

export interface SurveyedPath {
  readonly path: string;
  /** Bytes available to an ordinary user, and what must be; null: it could not be measured, and `reason` says why. */
  readonly freeBytes: number | null;
  readonly minimumBytes: number;
  readonly reason: string | null;
}

export interface DiskSurvey {
  readonly file: string;
  readonly problems: readonly FspartProblem[];
  readonly paths: readonly SurveyedPath[];
}

const DEADLINE_MS = 2000;

/** `defaultMinimum`: bytes, for lines that say none. Never rejects. */
export async function surveyDisks(home: string, clock: Clock, defaultMinimum: number): Promise<DiskSurvey> {
  const { file, entries, problems } = await readFspart(home);
  const measure = createMeasurer({ clock, deadlineMs: DEADLINE_MS });
  const paths: SurveyedPath[] = [];
  for (const { path, minimum } of entries) {
    const measured = await measure(path);
    if (measured === "busy" || "reason" in measured) {
      const reason = measured === "busy" ? "other file systems do not answer" : measured.reason;
      paths.push({ path, freeBytes: null, minimumBytes: defaultMinimum, reason });
      continue;
    }
    const { freeBytes, totalBytes } = measured.usage;
    const minimumBytes = minimum === null ? defaultMinimum : resolveThreshold(minimum, totalBytes);
    paths.push({ path, freeBytes, minimumBytes, reason: null });
  }
  return { file, problems, paths };
}
