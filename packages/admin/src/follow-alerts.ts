/** The node's alerts as they happen, and as they happened. */
import { ensureError } from "@castellan/kernel";
import { Alert, type CloudEvent, createSubjects, fromMessage } from "@castellan/protocol";
import { type AdminContext, requireBus } from "./context.ts";

export interface AlertEvent {
  readonly event: CloudEvent;
  readonly alert: Alert;
}

export interface AlertListener {
  alert(alert: AlertEvent): void;
  /** An event that cannot be read as an alert. */
  problem(error: Error): void;
  /** Once, when all alerts of the past that were asked for have come. */
  caughtUp?(): void;
}

/** How many event ids are remembered to drop repeats. */
const REMEMBERED = 10_000;

/**
 * Calls back once for each alert, from now on or from `sinceMs` ago, in the order in which the bus stored them; goes on
 * across lost connections, and nothing that was stored meanwhile is left out. Rejects with NOT_REACHABLE.
 */
export async function followAlerts(
  ctx: Pick<AdminContext, "bus" | "node">,
  listener: AlertListener,
  { sinceMs = null }: { readonly sinceMs?: number | null } = {},
): Promise<{ close(): void }> {
  const seen = new Set<string>();
  const { allAlerts: subject, eventsStream: stream } = createSubjects(ctx.node);
  return requireBus(ctx).tail(
    { stream, subject, sinceMs },
    {
      message({ body, headers }) {
        let received: AlertEvent;
        try {
          const event = fromMessage((name) => headers[name], body);
          received = { event, alert: Alert.parse(event.data) };
        } catch (thrown) {
          listener.problem(ensureError(thrown));
          return;
        }
        if (seen.has(received.event.id)) return;
        seen.add(received.event.id);
        if (seen.size > REMEMBERED) for (const oldest of [...seen].slice(0, REMEMBERED / 2)) seen.delete(oldest);
        listener.alert(received);
      },
      caughtUp: () => listener.caughtUp?.(),
    },
  );
}
