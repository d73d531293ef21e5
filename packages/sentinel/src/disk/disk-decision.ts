/**
 * From what was measured to what is told: pure, so that every sequence of measurements can be tested without a disk. Each
 * path has up to three causes open at a time (space, inodes, access); each raising gets a number of its own.
 */
import { createHash } from "node:crypto";
import { type Alert, type AlertKind, type AlertPhase, causeKey, type Severity } from "@castellan/protocol";
import type { Report } from "../alert-journal.ts";
import { type DiskState, emptyPathState, type OpenCause, type PathState } from "./disk-state.ts";
import { accessWords, fspartWords, shortageWords } from "./disk-words.ts";
import type { FspartProblem } from "./fspart.ts";
import { decideLevel, type LevelChange, type Measurement, type Thresholds } from "./level.ts";

export interface PathFinding {
  readonly path: string;
  readonly space: Measurement;
  readonly spaceThresholds: Thresholds;
  /** Null where the file system counts no inodes, and where it could not be read. */
  readonly inodes: Measurement | null;
  readonly inodeThresholds: Thresholds;
  readonly timeToFullMs: number | null;
}

export interface DiskFindings {
  /** Every path of `fspart`; what is open for any other is resolved. */
  readonly listed: readonly string[];
  /** Those that could be asked; the rest keeps its state. */
  readonly measured: readonly PathFinding[];
  readonly fspart: { readonly file: string; readonly problems: readonly FspartProblem[] };
}

/** Free space has just fallen below the minimum. */
export interface LowSpace {
  readonly path: string;
  readonly freeBytes: number;
  readonly minimumBytes: number;
}

export interface DiskDecision {
  readonly state: DiskState;
  readonly reports: readonly Report[];
  readonly low: readonly LowSpace[];
}

interface About {
  readonly kind: AlertKind;
  readonly subject: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly details: Record<string, unknown>;
}

export function decideDisk(previous: DiskState, findings: DiskFindings, server: string, now: Date): DiskDecision {
  const reports: Report[] = [];
  const low: LowSpace[] = [];
  const paths: Record<string, PathState> = {};
  let { nextGeneration } = previous;

  /** Makes one alert and gives what is open afterwards. */
  function tell(phase: AlertPhase, open: OpenCause | null, about: About): OpenCause | null {
    if (open === null && phase === "resolved") return null;
    const cause = open?.cause ?? newCause(about);
    const told = (open?.told ?? 0) + 1;
    const alert: Alert = {
      kind: about.kind,
      server,
      subject: about.subject.slice(0, 1024),
      severity: about.severity,
      summary: about.summary.slice(0, 1024),
      occurredAt: now.toISOString(),
      cause,
      details: { ...about.details, dedupKey: `${cause}#${told}` },
    };
    reports.push({ phase: open === null ? "raised" : phase, alert });
    return phase === "resolved" ? null : { cause, told };
  }

  function newCause({ kind, subject }: About): string {
    const generation = String(nextGeneration);
    nextGeneration += 1;
    return causeKey({ kind, server, subject, generation }, sha256);
  }

  function tellShortage(
    open: OpenCause | null,
    what: "space" | "inodes",
    level: PathState["space"],
    changes: readonly LevelChange[],
    finding: PathFinding,
  ): OpenCause | null {
    const measurement = what === "space" ? finding.space : finding.inodes;
    const change = changes.find((one) => one === "raised" || one === "worsened" || one === "resolved");
    if (change === undefined || !measurement?.readable) return open;
    const thresholds = what === "space" ? finding.spaceThresholds : finding.inodeThresholds;
    const phase = change === "worsened" ? "repeated" : change;
    const words = shortageWords({ what, server, finding, measurement, thresholds, level: level.level });
    const kind = what === "space" ? "disk" : "inode";
    return tell(phase, open, { kind, subject: finding.path, ...words });
  }

  function decidePath(before: PathState, finding: PathFinding): PathState {
    const space = decideLevel(before.space, finding.space, finding.spaceThresholds);
    const inodes = finding.inodes
      ? decideLevel(before.inodes, finding.inodes, finding.inodeThresholds)
      : { state: before.inodes, changes: [] };
    const entersLow = space.state.level === "low" && before.space.seen !== "low";
    if (entersLow && finding.space.readable) {
      const minimumBytes = finding.spaceThresholds.minimum;
      low.push({ path: finding.path, freeBytes: finding.space.free, minimumBytes });
    }
    let { access } = before.open;
    const about = { kind: "disk", subject: finding.path } as const;
    if (space.changes.includes("regained")) {
      access = tell("resolved", access, { ...about, ...accessWords(finding.path, server, null) });
    }
    if (!finding.space.readable && space.changes.includes("lost")) {
      access = tell("raised", access, { ...about, ...accessWords(finding.path, server, finding.space.reason) });
    }
    return {
      space: space.state,
      inodes: inodes.state,
      open: {
        space: tellShortage(before.open.space, "space", space.state, space.changes, finding),
        inodes: tellShortage(before.open.inodes, "inodes", inodes.state, inodes.changes, finding),
        access,
      },
    };
  }

  function closePath(path: string, { open }: PathState): void {
    const about = {
      subject: path,
      severity: "info",
      summary: `${path} on server ${server} is no longer watched`,
      details: { path },
    } as const;
    tell("resolved", open.space, { kind: "disk", ...about });
    tell("resolved", open.inodes, { kind: "inode", ...about });
    tell("resolved", open.access, { kind: "disk", ...about });
  }

  function decideFspart(): DiskState["fspart"] {
    const { file, problems } = findings.fspart;
    let open = previous.fspart;
    if (open !== null && (problems.length === 0 || open.file !== file)) {
      tell("resolved", open, { kind: "disk", subject: open.file, ...fspartWords(open.file, server, []) });
      open = null;
    }
    if (problems.length === 0 || open !== null) return open;
    const opened = tell("raised", null, { kind: "disk", subject: file, ...fspartWords(file, server, problems) });
    return opened === null ? null : { ...opened, file };
  }

  const measured = new Map(findings.measured.map((finding) => [finding.path, finding]));
  for (const path of findings.listed) {
    const before = previous.paths[path] ?? emptyPathState();
    const finding = measured.get(path);
    paths[path] = finding ? decidePath(before, finding) : before;
  }
  for (const [path, before] of Object.entries(previous.paths)) {
    if (!(path in paths)) closePath(path, before);
  }
  const fspart = decideFspart();
  return { state: { nextGeneration, paths, fspart }, reports, low };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
