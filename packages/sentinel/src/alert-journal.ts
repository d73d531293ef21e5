/**
 * What a watch knows, on disk, together with the alerts that follow from it. A watch must neither tell the same thing twice
 * nor forget to tell it, whenever it dies:
 *
 *   1. The new state and its alerts are written before the first of them is reported.
 *   2. They are reported together, for the disk takes many as fast as one (the sink keeps the order of each cause); only
 *      when all are accepted they are struck out.
 *   3. After a crash in between, the very same alerts are reported again. They carry a `dedupKey` in their details, by
 *      which the outbox knows those it has accepted.
 *   4. A disk that refuses the state does not silence the watch: the alerts go out all the same.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ensureError, type Logger } from "@castellan/kernel";
import { Alert, AlertPhase } from "@castellan/protocol";
import { z } from "zod";
import { readIfThere, writeDurably } from "./durable-file.ts";
import type { AlertSink } from "./ports.ts";

const Report = z.object({ phase: AlertPhase, alert: Alert });
/** An alert and what it does to its cause. */
export type Report = z.infer<typeof Report>;

export interface AlertJournal<S> {
  /** The state of the last commit, its alerts reported; null when there is none (or none that can be read). */
  load(): Promise<S | null>;
  /** Writes the state, reports, writes that it is done. Rejects only when the sink does. */
  commit(state: S, reports: readonly Report[]): Promise<void>;
}

export interface AlertJournalDeps<S> {
  /** The file. Its directory is made when missing. */
  readonly path: string;
  readonly schema: z.ZodType<S>;
  readonly alerts: AlertSink;
  readonly log: Logger;
}

export function createAlertJournal<S>({ path, schema, alerts, log }: AlertJournalDeps<S>): AlertJournal<S> {
  const file = z.object({ state: schema, pending: z.array(Report) });
  let written = "";
  let isRefused = false;

  async function write(state: S, pending: readonly Report[]): Promise<void> {
    const text = `${JSON.stringify({ state, pending })}\n`;
    if (text === written) return;
    try {
      await writeDurably(path, text);
      written = text;
      isRefused = false;
    } catch (thrown) {
      if (!isRefused) {
        const error = ensureError(thrown).message;
        log.error("the state of a watch cannot be written; alerts go on, a restart may repeat some", { path, error });
      }
      isRefused = true;
    }
  }

  async function commit(state: S, reports: readonly Report[]): Promise<void> {
    await write(state, reports);
    const outcomes = await Promise.allSettled(reports.map(({ phase, alert }) => alerts.report(phase, alert)));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw ensureError(outcome.reason);
    if (reports.length > 0) await write(state, []);
  }

  async function read(): Promise<{ state: S; pending: Report[] } | null> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const text = await readIfThere(path);
      if (text === null) return null;
      const content = file.parse(JSON.parse(text));
      written = text;
      return content;
    } catch (thrown) {
      const error = ensureError(thrown).message;
      log.error("the state of a watch cannot be read; it begins anew", { path, error });
      return null;
    }
  }

  return {
    commit,
    async load() {
      const content = await read();
      if (content === null) return null;
      if (content.pending.length > 0) await commit(content.state, content.pending);
      return content.state;
    },
  };
}
