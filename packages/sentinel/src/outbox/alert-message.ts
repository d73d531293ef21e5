/** From a report to a record, and from a record to what goes on the bus. */
import { type Alert, type AlertPhase, alertEventType, encodeBody, type Subjects, toHeaders } from "@castellan/protocol";
import type { SentinelIdentity } from "../ports.ts";
import type { BusMessage } from "./bus-publisher.ts";
import type { OutboxFile } from "./outbox-file.ts";
import { dedupKeyOf } from "./outbox-limits.ts";
import type { OutboxDraft, OutboxRecord } from "./outbox-record.ts";

export interface MessageContext {
  readonly identity: Pick<SentinelIdentity, "node" | "server">;
  readonly subjects: Subjects;
}

/** An alert is known again by its `details.dedupKey`, else by the id of its report. */
export function draftOf(phase: AlertPhase, alert: Alert, reportId: string | undefined): OutboxDraft {
  const key = dedupKeyOf(alert) ?? reportId;
  return { phase, alert, ...(key === undefined ? {} : { key }) };
}

/** The alert as a CloudEvent on its public subject; its place in its outbox in headers of our own. */
export function toMessage(
  { identity, subjects }: MessageContext,
  file: Pick<OutboxFile, "id" | "oldest">,
  { alert, id, number, phase }: OutboxRecord,
  messageId: string,
): BusMessage {
  const headers = toHeaders({
    id,
    source: `/castellan/${identity.node}/${identity.server}`,
    type: alertEventType(phase),
    time: alert.occurredAt,
    // Half of a surrogate pair cannot be put into a header: trying would end this outbox, and its every next life.
    subject: alert.subject.replace(/\p{Surrogate}/gu, "\uFFFD"),
    data: alert,
  });
  return {
    subject: subjects.build({ kind: "alert", severity: alert.severity, server: identity.server, alert: alert.kind }),
    headers: {
      ...headers,
      "castellan-outbox": file.id,
      "castellan-number": String(number),
      // Nothing older can be sent any more: the desk need not wait for it.
      ...(number === file.oldest ? { "castellan-oldest": String(number) } : {}),
    },
    body: encodeBody(alert),
    messageId,
  };
}
