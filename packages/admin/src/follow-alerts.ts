/** The node's alerts as they happen. */
import { ensureError } from "@castellan/kernel";
import { Alert, type CloudEvent, createSubjects, fromMessage } from "@castellan/protocol";
import { type AdminContext, requireBus } from "./context.ts";

export interface AlertEvent {
  readonly event: CloudEvent;
  readonly alert: Alert;
}

/** How many event ids are remembered to drop repeats. */
const REMEMBERED = 10_000;

/**
 * Calls back once for each alert from now on; events that cannot be read go to `onProblem`. Goes on across lost
 * connections (what is published meanwhile is missed: the work items have it). Rejects with NOT_REACHABLE.
 */
export async function followAlerts(
  ctx: Pick<AdminContext, "bus" | "node">,
  onAlert: (alert: AlertEvent) => void,
  onProblem: (error: Error) => void,
): Promise<{ close(): void }> {
  const seen = new Set<string>();
  return requireBus(ctx).subscribe(createSubjects(ctx.node).allAlerts, (message) => {
    let received: AlertEvent;
    try {
      const event = fromMessage((name) => message.headers[name], message.body);
      received = { event, alert: Alert.parse(event.data) };
    } catch (thrown) {
      onProblem(ensureError(thrown));
      return;
    }
    if (seen.has(received.event.id)) return;
    seen.add(received.event.id);
    if (seen.size > REMEMBERED) for (const oldest of [...seen].slice(0, REMEMBERED / 2)) seen.delete(oldest);
    onAlert(received);
  });
}
