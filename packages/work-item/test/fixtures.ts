import { type Alert, type AlertPhase, DEFAULT_QUEUE, type NumberedAlert, type WorkQueue } from "@castellan/protocol";
import { type Gateway, insert, writeQueue } from "@castellan/store";
import { decideAlert } from "../src/desk-decision.ts";
import type { ItemRow } from "../src/item-line.ts";
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
      handover: "planned",
      returned_to: null,
      state: "RUNNING",
      changed_at: new Date(0),
    }),
  ]);
}

/** A new item, changed as wanted. */
export function opened(overrides: Partial<ItemRow> = {}): ItemRow {
  const about = { open: null, silenced: null, queues: new Map(), nextCase: 7, now: new Date("2026-11-22T10:00:00Z") };
  const step = decideAlert(numbered(1), about);
  if (step === null) throw new Error("raised makes an item");
  return { ...step.item, ...overrides };
}

type QueueOverrides = Omit<Partial<WorkQueue>, "deadlines"> & { deadlines?: Partial<WorkQueue["deadlines"]> };

export const aQueue = ({ deadlines, ...rest }: QueueOverrides = {}): WorkQueue => ({
  ...DEFAULT_QUEUE,
  ...rest,
  deadlines: { ...DEFAULT_QUEUE.deadlines, ...deadlines },
});

export async function define(gateway: Gateway, queues: Readonly<Record<string, WorkQueue>>): Promise<void> {
  await gateway.commit(
    Object.entries(queues).map(([queue_name, queue]) =>
      insert("work_queue", { queue_name, definition: writeQueue(queue), row_version: 1 }),
    ),
  );
}
