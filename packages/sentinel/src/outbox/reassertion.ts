/**
 * Says again what is still going on: every alert that was raised here and not resolved is told once more every 15 minutes,
 * and to each new desk. So an item that was released too early comes back, and a desk that has lost its items gets them
 * again; to an item that is open a reassertion adds nothing.
 *
 *   1. What is open stands in a file, and is known again by the next worker.
 *   2. A cause is in the file only after its alert was accepted, and out of it before its end is. A crash in between errs
 *      on the quiet side, until the watch, which tells it again after its next start, has put it right.
 *   3. All that is told of one cause is told in the order of the calls.
 *
 * Error files are left out: they never end by themselves, and that somebody has released one is the end of it.
 */
import { type Clock, ensureError, type Logger, type Timer } from "@castellan/kernel";
import { Alert, type AlertKind } from "@castellan/protocol";
import { z } from "zod";
import { readIfThere, writeDurably } from "../durable-file.ts";
import type { AlertSink } from "../ports.ts";

export interface ReassertingSink extends AlertSink {
  /** Tells every open cause again. Never throws, and does not wait. */
  reassert(): void;
  close(): void;
}

export interface ReassertionDeps {
  readonly sink: AlertSink;
  /** The file, in a directory that exists. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default 15 minutes. */
  readonly periodMs?: number;
}

const PERIOD_MS = 15 * 60_000;
/** More than any server has; beyond it causes are told once. */
const MOST_CAUSES = 10_000;
const NEVER_END: ReadonlySet<AlertKind> = new Set(["error-file", "warn-file"]);
const File = z.object({ version: z.literal(1), open: z.array(Alert).max(MOST_CAUSES) });

export function createReassertion({ clock, log, path, periodMs = PERIOD_MS, sink }: ReassertionDeps): ReassertingSink {
  const open = new Map<string, Alert>();
  const tails = new Map<string, Promise<void>>();
  const loaded = load();
  let writing: Promise<void> = Promise.resolve();
  let nextWrite: Promise<void> | null = null;
  let isRefused = false;
  let timer: Timer | null = null;
  let isClosed = false;

  async function load(): Promise<void> {
    try {
      const text = await readIfThere(path);
      if (text === null) return;
      for (const alert of File.parse(JSON.parse(text)).open) open.set(alert.cause, alert);
    } catch (thrown) {
      log.error("what was going on is not known any more; it is told again when it is raised again", {
        path,
        error: ensureError(thrown),
      });
    }
  }

  async function write(): Promise<void> {
    try {
      await writeDurably(path, `${JSON.stringify({ version: 1, open: [...open.values()] })}\n`);
      isRefused = false;
    } catch (thrown) {
      // Alerts go on: they have an outbox of their own.
      if (!isRefused) log.error("the list of open causes cannot be written", { path, error: ensureError(thrown) });
      isRefused = true;
    }
  }

  /** Resolves when a write that began after the call has ended: many changes at once are one write. */
  function save(): Promise<void> {
    nextWrite ??= writing.then(() => {
      nextWrite = null;
      writing = write();
      return writing;
    });
    return nextWrite;
  }

  function inTurn(cause: string, act: () => Promise<void>): Promise<void> {
    const turn = (tails.get(cause) ?? loaded).then(act);
    const tail = turn.catch(() => undefined); // its successor waits for it, however it ends
    tails.set(cause, tail);
    return turn.finally(() => {
      if (tails.get(cause) === tail) tails.delete(cause);
    });
  }

  async function sayAgain(cause: string): Promise<void> {
    const alert = open.get(cause);
    if (alert === undefined || isClosed) return;
    const { count: _count, dedupKey: _dedupKey, ...details } = alert.details;
    const occurredAt = clock.now().toISOString();
    await sink.report("repeated", { ...alert, occurredAt, details: { ...details, reasserted: true } });
  }

  function reassert(): void {
    timer?.cancel();
    if (isClosed) return;
    timer = clock.after(periodMs, reassert);
    loaded
      .then(() => {
        for (const cause of open.keys()) {
          // While the disk refuses alerts, one waiting reassertion of a cause is enough.
          if (tails.has(cause)) continue;
          inTurn(cause, () => sayAgain(cause)).catch((thrown: unknown) =>
            log.debug("an open cause was not told again", { cause, error: ensureError(thrown) }),
          );
        }
      })
      .catch((thrown: unknown) => log.error("open causes are not told again", { error: ensureError(thrown) }));
  }

  timer = clock.after(periodMs, reassert);
  return {
    report(phase, alert) {
      const { cause } = alert;
      if (NEVER_END.has(alert.kind)) return sink.report(phase, alert);
      return inTurn(cause, async () => {
        if (phase === "resolved") {
          if (open.delete(cause)) await save();
          await sink.report(phase, alert);
          return;
        }
        await sink.report(phase, alert);
        if (open.size >= MOST_CAUSES && !open.has(cause)) return;
        open.set(cause, alert);
        await save();
      });
    },
    reassert,
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}
