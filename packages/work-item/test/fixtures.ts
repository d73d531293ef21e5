import type { Alert, AlertPhase, NumberedAlert } from "@castellan/protocol";
import { type Gateway, insert } from "@castellan/store";
import type { AlertDelivery } from "../src/ports.ts";

export function anAlert(overrides: Partial<Alert> = {}): Alert {
  return {
    kind: "error-file",
    server: "hades",
    subject: "/home/logs/sw_error",
    severity: "error",
    summary: "1888 something failed",
    occurredAt: "2026-11-22T10:00:00.000Z",
    cause: "error-file/hades/sw_error/1",
    details: {},
    ...overrides,
  };
}

export function numbered(
  number: number,
  phase: AlertPhase = "raised",
  overrides: Partial<Alert> = {},
  outbox = "box-0001",
): NumberedAlert {
  return { id: `${outbox}-${number}`, number, outbox, phase, alert: anAlert(overrides) };
}

export const delivery = (alert: NumberedAlert, oldest: number | null = null): AlertDelivery => ({
  origin: alert.alert.server,
  oldest,
  alert,
});

export async function bootstrap(gateway: Gateway, epoch = 1): Promise<void> {
  await gateway.commit([
    insert("node_state", {
      id: 1,
      epoch,
      fence: 0,
      master_id: null,
      nonce: null,
      state: "RUNNING",
      changed_at: new Date(0),
    }),
  ]);
}
