/** What a question for readiness is, and what it may know of the process it asks. */
import type { Fill } from "./template.ts";

/** Answers null for yes, else why not; never rejects. */
export type Probe = (signal: AbortSignal) => Promise<string | null>;

/** A definition that can never be fulfilled is told at once. */
export type MadeProbe = { readonly ok: true; readonly probe: Probe } | { readonly ok: false; readonly reason: string };

export interface ProbeContext {
  readonly fill: Fill;
  /** Of the process; an `exec` probe runs in the same. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Where the output of this launch begins in the log file, bytes. */
  readonly logOffset: number;
}
