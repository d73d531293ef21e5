/** What runs for a term of mastership: the conductor, the desk with its feed of alerts, and the administrators' door. */
import type { ActorRef, ActorSystem, CommandOf } from "@castellan/actor";
import { mayAnswer } from "@castellan/actor/nats";
import { type Clock, ensureError, type IdSource, type Logger } from "@castellan/kernel";
import {
  type CommandRequest,
  Conductor,
  createSubjects,
  Desk,
  Outbox,
  Sentinel,
  type Subjects,
} from "@castellan/protocol";
import {
  type AlertSink,
  createConductor,
  createForcedStop,
  createForegroundWatch,
  createGranter,
  createHousekeeper,
  createRollCall,
  type EventSink,
  handleCommand,
  type StopMaster,
  type Term,
  testEvents,
} from "@castellan/sentinel";
import type { Gateway } from "@castellan/store";
import { createDesk } from "@castellan/work-item";
import type { Msg, NatsConnection } from "nats";
import { type AlertFeed, createAlertFeed } from "../bus/alert-feed.ts";
import { listenHeartbeats } from "../bus/heartbeats.ts";
import type { LateBus } from "../bus/late-bus.ts";
import { loopbackBus } from "../bus/loopback-bus.ts";

export interface MasterDeps {
  readonly node: string;
  readonly server: string;
  readonly serverId: number;
  readonly gateway: Gateway;
  readonly system: ActorSystem;
  readonly bus: LateBus;
  readonly events: EventSink;
  /** Makes certain that a lost server runs nothing; null: there is no such command. */
  readonly fence: ((server: string) => Promise<void>) | null;
  /** Of what is told of other servers: it must not be told again by itself once this server is master no more. */
  readonly alerts: AlertSink;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly log: Logger;
}

/** How long a request may wait for the conductor, milliseconds. */
const SUBMIT_MS = 10_000;
const HAND_BACK_MS = 10_000;
const REFUSE_MS = 1500;
const GRANTS_MS = 3000;

export function startMaster(deps: MasterDeps, term: Term): StopMaster {
  const { node, server, serverId, gateway, system, bus, events } = deps;
  const subjects = createSubjects(node);
  const { epoch, onDeposed } = term;
  const heartbeats = listenHeartbeats({ bus, subjects, clock: deps.clock, log: deps.log, of: "all" });
  term.spawn(
    createRollCall({
      gateway,
      epoch,
      serverId,
      heardAtMs: (host) => heartbeats.last(host)?.atMs ?? null,
      linkSinceMs: () => bus.upSinceMs(),
      alerts: deps.alerts,
      events,
      onDeposed,
      isOver: () => term.isOver(),
    }),
    "roll-call",
  );
  term.spawn(createForegroundWatch({ gateway, server, alerts: deps.alerts }), "foreground-watch");
  term.spawn(createHousekeeper({ gateway, epoch, onDeposed }), "housekeeper");
  const granter = term.spawn(
    createGranter({
      gateway,
      epoch,
      serverId,
      async refuse(host, lost, generation) {
        const asked = { type: "RefuseGrant", server: lost, generation } as const;
        return (await system.remote(Sentinel, { host }).ask<"RefuseGrant">(asked, { timeoutMs: REFUSE_MS })).quietMs;
      },
      fenceCommand: deps.fence,
      onDeposed,
    }),
    "granter",
  );
  const conductor = term.spawn(
    createConductor({
      gateway,
      epoch,
      events,
      async grantsOver(lost) {
        const asked = { type: "GrantsOver", serverId: lost } as const;
        const answer = await granter.ask<"GrantsOver">(asked, { timeoutMs: GRANTS_MS }).catch(() => null);
        return answer?.kind === "over"; // nobody knows: then it is not
      },
      handBack: (host) => handBack(deps, host),
      wake: (host) => system.remote(Sentinel, { host }).tell({ type: "Wake" }),
      onDeposed,
    }),
    "conductor",
  );
  term.expose(Conductor, conductor);
  const shutdown = (command: CommandRequest) =>
    conductor.ask<"Submit">({ type: "Submit", verb: "shutdown", command }, { timeoutMs: SUBMIT_MS });
  term.spawn(createForcedStop({ gateway, epoch, events, shutdown, onDeposed }), "forced-stop");
  const desk = term.spawn(
    createDesk({
      epoch,
      identity: { node, server },
      gateway,
      subjects,
      bus: bus.publisher,
      outboxOf: (host) => system.remote(Outbox, { host }),
      onDeposed,
    }),
    "desk",
  );
  term.expose(Desk, desk);

  let closeDoor: (() => void) | null = null;
  let feed: AlertFeed | null = null;
  const unlisten = bus.onArrival((connection) => {
    closeDoor = openDoor(deps, subjects, connection, conductor);
    feed = createAlertFeed({ connection, copies: bus.copies, subjects, clock: deps.clock, log: deps.log, desk });
    askForWhatIsOpen(deps).catch((thrown: unknown) =>
      deps.log.warn("the servers are not asked what is going on; they say it within 15 minutes", {
        error: ensureError(thrown),
      }),
    );
  });
  return async () => {
    unlisten();
    heartbeats.close();
    closeDoor?.(); // nobody is to ask a master that ends, however long the rest takes
    await feed?.close();
  };
}

/** What was lost there is back: it is asked to be master again. */
function handBack({ system, server, newId, log }: MasterDeps, host: string): void {
  const order = {
    type: "TakeMastership",
    by: `the master on ${server}`.slice(0, 64),
    requestId: newId(),
    returns: true,
  } as const;
  system
    .remote(Sentinel, { host })
    .ask(order, { timeoutMs: HAND_BACK_MS })
    .then(
      ({ epoch }) => log.info("mastership is handed back", { server: host, epoch }),
      (thrown: unknown) =>
        log.warn("mastership could not be handed back", { server: host, error: ensureError(thrown) }),
    );
}

/** Started or stopped is nothing while nobody would hear of it. */
const NEEDS_EVENTS: ReadonlySet<string> = new Set(["start", "start_new", "shutdown", "restart"]);

/** A new desk hears from every server what is still open there. */
async function askForWhatIsOpen({ gateway, system }: MasterDeps): Promise<void> {
  for (const { physical_machine_name: host } of await gateway.find("node_cluster")) {
    system.remote(Sentinel, { host }).tell({ type: "Reassert" });
  }
}

/** Answers `cmd.{verb}`. Returns how to close the door. */
function openDoor(
  { log, clock, server, newId }: MasterDeps,
  subjects: Subjects,
  connection: NatsConnection,
  conductor: ActorRef<CommandOf<typeof Conductor>>,
): () => void {
  const loopback = {
    bus: loopbackBus(connection),
    subject: subjects.build({ kind: "loopback", server }),
    clock,
    newId,
  };
  testEvents(loopback).then(
    (tookMs) => log.info("events work", { tookMs }),
    (error: unknown) => log.error("events do not work", { error: ensureError(error) }),
  );
  const answer = async (message: Msg): Promise<void> => {
    try {
      const verb = message.subject.slice(message.subject.lastIndexOf(".") + 1);
      const reply = await handleCommand(verb, message.data, async (submitted) => {
        if (NEEDS_EVENTS.has(submitted.verb)) await testEvents(loopback);
        return await conductor.ask({ type: "Submit", ...submitted }, { timeoutMs: SUBMIT_MS });
      });
      // Without an inbox nobody waits; the subject is the asker's word, and the answer goes out with our permissions.
      if (mayAnswer(message.reply ?? "", message.subject)) message.respond(reply);
    } catch (thrown) {
      log.error("a request could not be answered", { subject: message.subject, error: ensureError(thrown) });
    }
  };
  const subscription = connection.subscribe(subjects.allCommands, {
    callback: (error, message) => {
      if (error !== null) {
        log.error("administrators' requests are not received", { error });
        return;
      }
      void answer(message);
    },
  });
  return () => subscription.unsubscribe();
}
