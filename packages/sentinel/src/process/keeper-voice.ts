/** What a keeper tells others: status to the schema, events to subscribers, alerts to the outbox, deaths to sw_error. */
import { createHash } from "node:crypto";
import type { ActorContext } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import { type Alert, causeKey, type ProcessEvent, processLabel, processToken } from "@castellan/protocol";
import type { ProcessIdentity } from "./identity.ts";
import type { KeeperDeps } from "./keeper-deps.ts";
import type { KeeperCommand } from "./keeper-messages.ts";
import { type KeeperEffect, type KeeperState, type OpenAlert, statusOf } from "./keeper-state.ts";

/** The documented message for a server process that ended without an order. */
const DIED_MESSAGE = 1888;

export interface KeeperVoice {
  report(
    effect: Omit<Extract<KeeperEffect, { readonly kind: "report" }>, "kind">,
    now: { readonly state: KeeperState; readonly since: Date | null; readonly runningPid: number | null },
  ): void;
  /** In the order of the calls; the keeper hears `AlertTold` when the outbox has it. */
  tell(open: OpenAlert): void;
  complain(process: ProcessIdentity, text: string): void;
  /** Whether this sentinel or an earlier one has complained of this process. */
  hasComplained(process: ProcessIdentity): boolean;
}

export function createKeeperVoice(deps: KeeperDeps, { clock, log, self }: ActorContext<KeeperCommand>): KeeperVoice {
  const { key, identity: who } = deps;
  let alertsInOrder: Promise<void> = Promise.resolve();
  const named = ({ pid }: ProcessIdentity): string =>
    `Process ${processLabel(key)} on server ${who.server} (pid ${pid}) `;
  return {
    report({ what, code, pid, death }, { state, since, runningPid }) {
      const status = statusOf(state);
      const { comment, restarts } = state;
      const id = death === undefined ? {} : { id: eventIdOf(death) };
      const event = code === null ? null : { ...id, code, pid: pid ?? 0, comment };
      deps.status.record({
        key,
        status,
        comment,
        held: state.phase.at === "held",
        since,
        restarts,
        pid: runningPid,
        event,
      });
      deps.onStatus(status);
      if (what === null) return;
      const { type, instance } = key;
      const data: ProcessEvent = { server: who.server, type, instance, what, pid, comment };
      deps.events.publish(
        { kind: "process", server: who.server, process: processToken(key), what },
        { type: `castellan.process.${what}`, subject: processLabel(key), data, ...id },
      );
    },
    tell(open) {
      const { cause, phase } = open;
      if (phase === "raised") return;
      const alert = alertOf(deps, open, clock.now());
      const told = alertsInOrder.then(() => deps.alerts.report(phase === "raise" ? "raised" : "resolved", alert));
      alertsInOrder = told.then(
        () => self.tell({ type: "AlertTold", cause, phase }),
        // The record still says that it must be told.
        (thrown: unknown) =>
          log.warn("an alert was not accepted; it is told again after the next start", {
            cause,
            error: ensureError(thrown).message,
          }),
      );
    },
    complain: (process, text) => deps.messages.error(DIED_MESSAGE, `${named(process)}${text}`),
    hasComplained: (process) => deps.messages.hasError(DIED_MESSAGE, named(process)),
  };
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Of one death there is one event, whoever tells it: a UUID of version 8, made of who died. */
function eventIdOf({ bootId, pid, startTime }: ProcessIdentity): string {
  const hex = hash(`${bootId} ${pid} ${startTime}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}

/** The one thing that is raised is that it was given up. */
const RESOLVED = "is not suspended any more";

function alertOf({ key, identity: who }: KeeperDeps, { cause, phase, summary }: OpenAlert, now: Date): Alert {
  const subject = processLabel(key);
  return {
    kind: "process",
    server: who.server,
    subject,
    severity: "error",
    summary: `${subject} on ${who.server} ${phase === "resolve" ? RESOLVED : summary}`.slice(0, 1000),
    occurredAt: now.toISOString(),
    cause: causeKey({ kind: "process", server: who.server, subject, generation: cause }, hash),
    details: { type: key.type, instance: key.instance },
  };
}
