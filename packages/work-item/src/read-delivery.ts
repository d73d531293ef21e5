/** Reads an alert off the bus: total, since whoever may publish may publish anything. */
import { createHash } from "node:crypto";
import { ensureError } from "@castellan/kernel";
import {
  Alert,
  AlertPhase,
  alertEventType,
  fromMessage,
  NumberedAlert,
  ServerName,
  type Subjects,
} from "@castellan/protocol";
import { z } from "zod";
import type { AlertDelivery } from "./ports.ts";

export interface RawMessage {
  readonly subject: string;
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** Nothing but what a row can hold: what cannot be kept even as a dead letter would block every other alert. */
const Place = z.object({
  outbox: z.string().regex(/^[\w-]{1,64}$/),
  number: z.coerce.number().pipe(z.int().positive()),
});
const Oldest = z.coerce.number().pipe(z.int().positive());
const MAX_BODY = 4000;
const MAX_DEPTH = 100;

/** Never throws: what is no alert comes back with the reason, and with its place if that can be read. */
export function readDelivery(subjects: Subjects, message: RawMessage): AlertDelivery {
  const subject = subjects.parse(message.subject);
  const server = ServerName.safeParse(subject?.kind === "alert" ? subject.server : null);
  const origin = server.success ? server.data : null;
  const place = Place.safeParse({
    outbox: message.header("castellan-outbox"),
    number: message.header("castellan-number"),
  });
  const oldest = Oldest.safeParse(message.header("castellan-oldest"));
  const common = { origin, oldest: oldest.success ? oldest.data : null };
  try {
    const event = fromMessage((name) => message.header(name), message.body);
    const phase = AlertPhase.options.find((one) => alertEventType(one) === event.type);
    const alert = NumberedAlert.parse({ ...place.data, id: event.id, phase, alert: Alert.parse(event.data) });
    if (origin === null) throw new TypeError("its subject is not that of an alert");
    if (isDeeperThan(MAX_DEPTH, alert.alert.details)) throw new TypeError("its details are nested too deeply");
    return { ...common, alert };
  } catch (thrown) {
    const reason = thrown instanceof z.ZodError ? z.prettifyError(thrown) : ensureError(thrown).message;
    return {
      ...common,
      alert: null,
      id: createHash("sha256").update(message.subject).update(message.body).digest("hex").slice(0, 40),
      place: place.success ? place.data : null,
      reason,
      body: new TextDecoder().decode(message.body.subarray(0, MAX_BODY)),
    };
  }
}

/** JSON is read to any depth, but not written: such details could be neither stored nor kept as a dead letter. */
function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}
