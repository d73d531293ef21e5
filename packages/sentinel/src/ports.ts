/** What the parts of a sentinel need from each other, and from the outside, as the smallest interfaces that do. */
import type { Alert, AlertPhase, Subject } from "@castellan/protocol";

/** Who this sentinel is: its server, and which start of it. */
export interface SentinelIdentity {
  readonly node: string;
  readonly server: string;
  readonly serverId: number;
  /** Grows with every start of the worker; writes of an older one are refused. */
  readonly incarnation: number;
  /** The home directory, absolute. */
  readonly home: string;
}

/** Accepts alerts for good. */
export interface AlertSink {
  /**
   * Resolves when the alert is on disk and will reach the desk whatever dies. While the disk refuses, it waits and tries
   * again; it rejects only when the sentinel stops. Alerts of one cause are accepted in the order of the calls.
   */
  report(phase: AlertPhase, alert: Alert): Promise<void>;
}

export interface PublishedEvent {
  /** Of what may be told twice, so that subscribers can drop the second; default: a new one. */
  readonly id?: string;
  readonly type: string;
  readonly subject?: string;
  readonly data: unknown;
}

/** Tells subscribers what happened. */
export interface EventSink {
  /** Never throws and never waits: a bounded queue, emptied as the bus allows; the oldest is dropped (and counted) first. */
  publish(subject: Subject, event: PublishedEvent): void;
}

/** Appends to `logs/sw_error` and `logs/sw_warn` in the documented line format. */
export interface MessageLog {
  error(messageId: number, text: string): void;
  /** Whether a message with this beginning is among the latest of `logs/sw_error`. */
  hasError(messageId: number, beginning: string): boolean;
  warn(messageId: number, text: string): void;
}
