/** Alerts that could not be applied: how they are kept, and how they are read again. */
import { Alert, NumberedAlert } from "@castellan/protocol";
import type { Row } from "@castellan/store";
import { storable } from "./item-line.ts";
import type { AlertDelivery } from "./ports.ts";

export type LetterRow = Row<"alert_dead_letter">;

/** `refused`: why the schema did not take an alert that could be read. */
export function letterOf(delivery: AlertDelivery, refused: string | null, now: Date): LetterRow {
  const reason = delivery.alert === null ? delivery.reason : (refused ?? "refused");
  return {
    id: storable(delivery.alert === null ? delivery.id : delivery.alert.id),
    server_name: delivery.origin ?? "-",
    reason: storable(reason.slice(0, 1000)),
    body: storable(delivery.alert === null ? delivery.body : JSON.stringify(delivery.alert)),
    happened_at: now,
  };
}

/** The alert of a letter, or null when it is none. What came without its envelope counts as raised. */
export function alertOf(letter: LetterRow): NumberedAlert | null {
  let body: unknown;
  try {
    body = JSON.parse(letter.body);
  } catch {
    return null; // not JSON, or only its beginning was kept
  }
  const numbered = NumberedAlert.safeParse(body);
  if (numbered.success) return numbered.data;
  const alert = Alert.safeParse(body);
  if (!alert.success) return null;
  return { id: letter.id, number: 1, outbox: "dead-letter", phase: "raised", alert: alert.data };
}
