/** What the disk watch says to people: severity, one line, and the figures behind it. */
import { formatDuration, formatSize } from "@castellan/kernel";
import type { Severity } from "@castellan/protocol";
import type { PathFinding } from "./disk-decision.ts";
import type { FspartProblem } from "./fspart.ts";
import type { Level, Measurement, Thresholds } from "./level.ts";

interface Words {
  readonly severity: Severity;
  readonly summary: string;
  readonly details: Record<string, unknown>;
}

export interface Shortage {
  readonly what: "space" | "inodes";
  readonly server: string;
  readonly finding: PathFinding;
  readonly measurement: Extract<Measurement, { readable: true }>;
  readonly thresholds: Thresholds;
  readonly level: Level;
}

export function shortageWords({ what, server, finding, measurement, thresholds, level }: Shortage): Words {
  const { path } = finding;
  const { free, total } = measurement;
  const amount = (value: number): string => (what === "space" ? formatSize(value) : `${value} inodes`);
  const freePercent = total === 0 ? 0 : Math.round((free / total) * 1000) / 10;
  const left = `${amount(free)} (${freePercent} %)`;
  const soon = finding.timeToFullMs === null ? "" : `; full in about ${formatDuration(finding.timeToFullMs)}`;
  const place = `${path} of server ${server}`;
  const summary = {
    ok: `${place} has ${left} free again`,
    warning: `${left} free on ${place}, below the warning level of ${amount(thresholds.warning)}${soon}`,
    low: `Only ${left} free on ${place}, at least ${amount(thresholds.minimum)} are needed${soon}`,
    unreadable: `${place} cannot be checked`,
  }[level];
  const severity = level === "low" ? "error" : level === "warning" ? "warning" : "info";
  const figures =
    what === "space"
      ? {
          freeBytes: free,
          minimumBytes: thresholds.minimum,
          warningBytes: thresholds.warning || null,
          totalBytes: total,
        }
      : { freeInodes: free, minimumInodes: thresholds.minimum, totalInodes: total };
  return { severity, summary, details: { path, level, ...figures, freePercent, timeToFullMs: finding.timeToFullMs } };
}

/** `reason` null = it can be read again. */
export function accessWords(path: string, server: string, reason: string | null): Words {
  return reason === null
    ? { severity: "info", summary: `${path} of server ${server} can be checked again`, details: { path } }
    : {
        severity: "error",
        summary: `Free space of ${path} on server ${server} cannot be checked: ${reason}`,
        details: { path, level: "unreadable", reason },
      };
}

/** No problems = the file is right again. */
export function fspartWords(file: string, server: string, problems: readonly FspartProblem[]): Words {
  const [first] = problems;
  if (!first)
    return { severity: "info", summary: `${file} on server ${server} is right again`, details: { path: file } };
  const where = first.line === 0 ? "" : `line ${first.line}: `;
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  return {
    severity: "warning",
    summary: `${file} on server ${server}: ${where}${first.message}${more}`,
    details: { path: file, problems: problems.slice(0, 20) },
  };
}
