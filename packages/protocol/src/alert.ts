/** Alerts: what a sentinel tells the administrator. The body of the public events on `evt.alert.>`. */
import { z } from "zod";
import { ALERT_KINDS, SEVERITIES } from "./words.ts";

export const Severity = z.enum(SEVERITIES);
export type Severity = z.infer<typeof Severity>;

export const AlertKind = z.enum(ALERT_KINDS);
export type AlertKind = z.infer<typeof AlertKind>;

/** Raised opens a cause, repeated adds to it, resolved ends it. */
export const AlertPhase = z.enum(["raised", "repeated", "resolved"]);
export type AlertPhase = z.infer<typeof AlertPhase>;

/** The public body of an alert event. */
export const Alert = z.object({
  kind: AlertKind,
  server: z.string(),
  /** What it is about: a path, a mount point, `WIS 3`. */
  subject: z.string().max(1024),
  severity: Severity,
  /** One line for people. */
  summary: z.string().max(1024),
  occurredAt: z.iso.datetime(),
  /** The cause key: kind/server/subject/generation, lower case, at most 200 characters: equal key = equal cause. */
  cause: z.string().max(200),
  /**
   * `count`: how many occurrences this one alert stands for (default 1). `reasserted: true`: nothing has happened since it
   * was last said. Anything else is for the reader.
   */
  details: z.record(z.string(), z.unknown()),
});
export type Alert = z.infer<typeof Alert>;

/** An alert as it travels from an outbox to the desk: numbered without gaps by the outbox of its server. */
export const NumberedAlert = z.object({
  /** CloudEvents id; the same on every resend. */
  id: z.string().max(64),
  /** This outbox's number of it, from 1. */
  number: z.int().positive(),
  /** Which outbox: a new one (its files were lost) begins again at 1 under another id. */
  outbox: z.string().max(64),
  phase: AlertPhase,
  alert: Alert,
});
export type NumberedAlert = z.infer<typeof NumberedAlert>;

/** How many occurrences an alert stands for. */
export function occurrencesOf(alert: Alert): number {
  const count = alert.details["count"];
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 1;
}

/** Whether an alert only says again what is still going on: it opens what was closed too early, and counts for nothing else. */
export const isReassertion = ({ details }: Alert): boolean => details["reasserted"] === true;

/** CloudEvents types of alert events. */
export const alertEventType = (phase: AlertPhase): string => `castellan.alert.${phase}`;

/**
 * The cause key. Text that does not fit keeps its beginning and its end around a short hash, so that keys stay readable,
 * at most 200 characters, and different causes stay different.
 */
export function causeKey(
  parts: { kind: AlertKind; server: string; subject: string; generation: string },
  hash: (text: string) => string,
): string {
  const key = [parts.kind, parts.server, parts.subject, parts.generation].join("/").toLowerCase();
  const exact = [parts.kind, parts.server, parts.subject, parts.generation].join("/");
  if (key.length <= 180 && key === exact) return key;
  return `${key.slice(0, 120)}~${hash(exact).slice(0, 16)}~${key.slice(-40)}`;
}
