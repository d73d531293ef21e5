/** Alerts that a sentinel makes about itself. */
import { createHash } from "node:crypto";
import { ensureError, type Logger } from "@castellan/kernel";
import { type Alert, causeKey } from "@castellan/protocol";
import { type AlertSink, epochBackwards } from "@castellan/sentinel";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

export function sentinelAlert(
  server: string,
  about: { subject: string; generation: string; summary: string; severity: Alert["severity"] },
  now: Date,
  details: Readonly<Record<string, unknown>>,
): Alert {
  const { subject, generation, summary, severity } = about;
  return {
    kind: "sentinel",
    server,
    subject,
    severity,
    summary: summary.slice(0, 1024),
    occurredAt: now.toISOString(),
    cause: causeKey({ kind: "sentinel", server, subject, generation }, hash),
    details: { ...details },
  };
}

/** Stands in the place of an alert that the disk has damaged: that one was lost is said, and nothing after it waits. */
export function damagedAlert(server: string, number: number, now: Date): Alert {
  const summary = `an alert of ${server} was damaged on disk and is lost (number ${number} of its outbox)`;
  return sentinelAlert(server, { subject: "outbox", generation: `${number}`, summary, severity: "error" }, now, {
    number,
  });
}

/** Says that castellan.yaml is wrong and older settings are used, or that it is right again. Never rejects. */
export async function reportSettings(
  alerts: AlertSink,
  server: string,
  state: { readonly problem: string | null; readonly mended: boolean },
  now: Date,
  log: Logger,
): Promise<void> {
  const { problem, mended } = state;
  if (problem === null && !mended) return;
  const summary =
    problem === null
      ? `castellan.yaml on ${server} is in order again`
      : `castellan.yaml on ${server} is wrong; the settings of the last start are used: ${problem}`;
  const about = { subject: "castellan.yaml", generation: "1", summary, severity: "error" } as const;
  const alert = sentinelAlert(server, about, now, problem === null ? {} : { problem: problem.slice(0, 2000) });
  try {
    await alerts.report(problem === null ? "resolved" : "raised", alert);
  } catch (thrown) {
    log.error("the state of castellan.yaml could not be reported", { error: ensureError(thrown) });
  }
}

/** Says that the schema shows an older epoch than was seen, or that it does not any more. Never rejects. */
export async function reportEpoch(
  alerts: AlertSink,
  server: string,
  found: { readonly shown: number; readonly seen: number } | null,
  now: Date,
  log: Logger,
): Promise<void> {
  const summary =
    found === null
      ? `the schema shows ${server} what it should again`
      : `${server} does nothing: ${epochBackwards(found.shown, found.seen).message}`;
  const about = { subject: "epoch", generation: "1", summary, severity: "critical" } as const;
  try {
    await alerts.report(found === null ? "resolved" : "raised", sentinelAlert(server, about, now, { ...found }));
  } catch (thrown) {
    log.error("the state of the epoch could not be reported", { error: ensureError(thrown) });
  }
}
