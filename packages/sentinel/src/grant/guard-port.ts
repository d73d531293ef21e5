/** The guard of a server as the sentinel uses it: a program of its own that starts what is granted, and kills it at the end. */
import type { ProcessIdentity } from "../process/identity.ts";

/** A program with everything it is started with; nothing in it is interpreted. */
export interface GuardedLaunch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Both outputs are appended to it. */
  readonly output: string;
  readonly launchId: string;
}

export interface GuardPort {
  /** Sees to it that there is a guard; without waiting. `types`: those whose processes it kills at the end. */
  keep(types: readonly string[]): void;
  /** There is one, and it knows the end that was told last. */
  isUp(): boolean;
  /**
   * Tells until when the processes may run, boot-time milliseconds; Infinity: for good. On return the guard obeys it, or an
   * earlier end, or, while there is none, the next one will. Throws when an earlier end than the last cannot be told.
   */
  endAt(end: { readonly endMs: number; readonly killMs: number; readonly generation: number }): void;
  /** What was told last in this boot, by an earlier worker maybe. */
  remembered(): { readonly generation: number; readonly endMs: number } | null;
  /** The end has passed, the guard has killed what there was, and has then found nothing. */
  hasSwept(): boolean;
  /** Rejects, with a sentence for people, when it was not started. */
  launch(launch: GuardedLaunch): Promise<ProcessIdentity>;
  /** How a process that it started has ended: `exit code 1`, `signal SIGKILL`. Rejects where there never was a guard. */
  howEnded(process: ProcessIdentity): Promise<string>;
  /** Ends the guard, and with it what it has started; there is no other. */
  end(): void;
}
