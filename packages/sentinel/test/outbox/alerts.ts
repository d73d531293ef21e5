import type { Alert } from "@castellan/protocol";

export function anAlert(overrides: Partial<Alert> = {}): Alert {
  return {
    kind: "error-file",
    server: "hades",
    subject: "/home/logs/sw_error",
    severity: "error",
    summary: "1888 something failed",
    occurredAt: "2026-11-22T10:00:00.000Z",
    cause: "error-file/hades/logs/sw_error/1-2-3",
    details: {},
    ...overrides,
  };
}
