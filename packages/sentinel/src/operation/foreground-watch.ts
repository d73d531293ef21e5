/**
 * Tells the administrator when the foreground does not come to the master: what has to be moved stays where it is, and no move is
 * under way that could bring it. One open item for the node, whoever is master (`server-alerts.ts` decides).
 */
import { createHash } from "node:crypto";
import { type Behavior, receive, setup } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import { type Alert, type AlertPhase, causeKey } from "@castellan/protocol";
import { UNFINISHED_STATES } from "@castellan/protocol/words";
import { type Gateway, type NodeView, readNodeView } from "@castellan/store";
import type { AlertSink } from "../ports.ts";
import { decideServerAlerts, type ServerStanding, type Telling, type Told } from "../role/server-alerts.ts";
import { straysOf } from "./foreground.ts";
import { instanceLabel, listOf } from "./plan.ts";

export interface ForegroundWatchDeps {
  readonly gateway: Gateway;
  readonly server: string;
  /** Not one that tells again by itself what it was told. */
  readonly alerts: AlertSink;
}

/** Reads much, and is in no hurry, milliseconds. */
const LOOK_MS = 15_000;
/** A hand-back, a grant that has to end and a few moves take less, milliseconds. */
const PATIENCE_MS = 120_000;
const SUBJECT = "foreground";

type Tick = { readonly type: "Tick" };

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

export function createForegroundWatch({ gateway, server, alerts }: ForegroundWatchDeps): Behavior<Tick> {
  return setup<Tick>(({ clock, log, timers, self }) => {
    let astraySinceMs: number | null = null;
    /** When it was first found astray: one such time is one cause, however often it is told. */
    let foundAt = clock.now();
    let told: ReadonlyMap<string, Told> = new Map();

    const look = async (): Promise<void> => {
      const view = await readNodeView(gateway);
      const strays = straysOf(view);
      const [moves, items] = await Promise.all([
        gateway.find("operation", { where: { state: "open", verb: "move" }, limit: 1 }),
        gateway.find("work_item", { where: { kind: "sentinel", subject: SUBJECT, state: { in: UNFINISHED_STATES } } }),
      ]);
      const nowMs = clock.bootMs();
      if (astraySinceMs === null) foundAt = clock.now();
      astraySinceMs = strays.length === 0 ? null : (astraySinceMs ?? nowMs);
      const standing = standingOf(astraySinceMs, moves.length > 0, nowMs);
      const openCause = items[0]?.cause ?? null;
      const found = { name: SUBJECT, standing, isNew: !told.has(SUBJECT), openCause };
      const decided = decideServerAlerts([found], told, nowMs);
      told = decided.told;
      for (const telling of decided.tell) tell(telling, summaryOf(strays, view));
    };

    const tell = (telling: Telling, summary: string): void => {
      const [phase, alert] = alertOf(telling, server, summary, { foundAt, now: clock.now() });
      alerts.report(phase, alert).catch((thrown: unknown) => {
        told = new Map(); // the next look tells it
        log.warn("what became of the foreground could not be told yet", { error: ensureError(thrown) });
      });
    };

    timers.every("look", LOOK_MS, { type: "Tick" });
    self.tell({ type: "Tick" });
    return receive<Tick>({
      async Tick() {
        try {
          await look();
        } catch (thrown) {
          log.debug("the foreground could not be looked at", { error: ensureError(thrown) });
        }
      },
    });
  });
}

function standingOf(astraySinceMs: number | null, isMoving: boolean, nowMs: number): ServerStanding["standing"] {
  if (astraySinceMs === null) return "fine";
  return isMoving || nowMs - astraySinceMs < PATIENCE_MS ? "unsure" : "lost";
}

function summaryOf(strays: ReturnType<typeof straysOf>, { servers, masterId }: NodeView): string {
  if (strays.length === 0) return "the foreground is where the master is";
  const master = servers.find(({ id }) => id === masterId)?.name ?? "nobody";
  const what = listOf(strays.map(instanceLabel));
  return `the foreground does not come to ${master}, which is master: ${what}; see what keeps it (castellan explain)`;
}

function alertOf(
  { what, cause }: Telling,
  server: string,
  summary: string,
  { foundAt, now }: { readonly foundAt: Date; readonly now: Date },
): [AlertPhase, Alert] {
  const generation = foundAt.toISOString();
  const alert: Alert = {
    kind: "sentinel",
    server,
    subject: SUBJECT,
    severity: "critical",
    summary: summary.slice(0, 1024),
    occurredAt: now.toISOString(),
    cause: cause ?? causeKey({ kind: "sentinel", server, subject: SUBJECT, generation }, hash),
    details: what === "reasserted" ? { reasserted: true } : {},
  };
  return [what === "reasserted" ? "repeated" : what, alert];
}
