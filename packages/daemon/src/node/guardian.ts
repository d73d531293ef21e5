/**
 * The guardian: everything a server's sentinel does, started in order, stopped in reverse. First what alerts need, then
 * what keeps processes, then the watches, at last what takes orders.
 */
import { type ActorRef, type ActorSystem, type Behavior, type CommandOf, receive, setup } from "@castellan/actor";
import { CastellanError, type Clock, type IdSource, type Logger, type Rng } from "@castellan/kernel";
import { Conductor, createSubjects, type HomeSettings, Outbox, type Sentinel } from "@castellan/protocol";
import {
  createAlertSink,
  createDiskWatch,
  createErrorFileWatch,
  createEventPublisher,
  createKeeperWorld,
  createOutbox,
  createOutboxDisk,
  createProcessTable,
  createReassertion,
  createRole,
  createSignOfLife,
  createStatusWriter,
  createStepRunner,
  DEFAULT_PATTERNS,
  type MessageLog,
  openOutboxFile,
  type ProcessTableCommand,
  type RoleState,
  type SentinelIdentity,
} from "@castellan/sentinel";
import { type Gateway, readNodeView } from "@castellan/store";
import type { LateBus } from "../bus/late-bus.ts";
import { openLiveMaster } from "../bus/live-master.ts";
import type { TrustWatch } from "../bus/trust-watch.ts";
import { createFenceCommand } from "../guard/fence-command.ts";
import type { LedgerFile } from "../schema/ledger.ts";
import { reportCertificates } from "./certificate-alerts.ts";
import { openEpochFile } from "./epoch-file.ts";
import { openGrants } from "./grants.ts";
import { startMaster } from "./master.ts";
import { damagedAlert, reportEpoch, reportSettings } from "./own-alerts.ts";
import { answerEventTest, forward, refuseWhileRunning } from "./requests.ts";
import { watchServerSettings } from "./server-settings.ts";

export interface GuardianDeps {
  readonly identity: SentinelIdentity;
  readonly gateway: Gateway;
  /** Resolves once the schema can be used: until then nobody gives orders here. Rejects when this worker ends first. */
  readonly joined: Promise<void>;
  /** What was set for this server when the schema was last read. */
  readonly ledger: Pick<LedgerFile, "settings" | "learn">;
  readonly system: ActorSystem;
  readonly bus: LateBus;
  readonly messages: MessageLog;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly newId: IdSource;
  readonly log: Logger;
  /** What managed processes inherit. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Whether castellan.yaml was in order at this start, and at the one before. */
  readonly settings: {
    readonly problem: string | null;
    readonly mended: boolean;
    readonly settings: Pick<HomeSettings, "fenceCommand">;
  };
  /** Null: the bus needs no certificates of this server. */
  readonly trust: Pick<TrustWatch, "follow"> | null;
  readonly onRole: (role: RoleState) => void;
  /** An administrator ends this server's sentinel: no process of it runs any more. */
  readonly onStop: (why: string, keepsBus: boolean) => void;
  /** Has this pair exchanged for that of the release which is installed, if it is the one. */
  readonly exchange: (by: string, release: string) => Promise<{ readonly from: string; readonly to: string }>;
  /** A later worker of this server counts: end at once. */
  readonly onSuperseded: () => void;
}

/** `is`: this start counts in its node. */
type Joined = { readonly type: "Joined"; readonly is: boolean };
type GuardianCommand = CommandOf<typeof Sentinel> | Joined;

const FIND_KEEPER_MS = 20_000;
const RECORD_MS = 2000;
/** How long a change of mastership to this server may take; its administrator waits a little longer. */
const TAKE_MS = 8000;
const OPINION_MS = 1000;

export function createGuardian(deps: GuardianDeps): Behavior<GuardianCommand> {
  return setup<GuardianCommand>((context) => {
    const { identity, gateway, system, bus, clock, rng, newId, log } = deps;
    const subjects = createSubjects(identity.node);
    const ending = new AbortController();

    const outbox = context.spawn(
      createOutbox({
        identity,
        subjects,
        bus: bus.publisher,
        open: () =>
          openOutboxFile({
            disk: createOutboxDisk(`${identity.home}/run/outbox`),
            newId,
            damagedAlert: (number) => damagedAlert(identity.server, number, clock.now()),
          }),
      }),
      "outbox",
    );
    system.expose(Outbox, "-", outbox);
    const sink = createAlertSink({ outbox, clock, rng, newId, log, signal: ending.signal });
    const alerts = createReassertion({
      sink,
      path: `${identity.home}/run/open-causes.json`,
      clock,
      log,
    });
    const events = createEventPublisher({ identity, subjects, bus: bus.publisher, clock, rng, newId, log });

    const { onSuperseded } = deps;
    const status = createStatusWriter({
      gateway,
      identity,
      clock,
      rng,
      newId,
      log,
      onSuperseded,
      onDeaths: () => system.remote(Conductor, { host: "master" }).tell({ type: "ProcessesDied" }),
    });
    const settings = watchServerSettings({
      gateway,
      serverId: identity.serverId,
      clock,
      log,
      ledger: deps.ledger,
    });
    const command = deps.settings.settings.fenceCommand;
    const fence = command === null ? null : createFenceCommand({ command, home: identity.home, env: deps.baseEnv });
    const grants = openGrants({ identity, gateway, system, clock, log, baseEnv: deps.baseEnv, onSuperseded });
    const world = createKeeperWorld({
      grants: grants.port,
      clock,
      identity,
      log,
      status,
      events,
      alerts,
      messages: deps.messages,
      baseEnv: deps.baseEnv,
    });
    const { serverId } = identity;
    const processes = context.spawn(
      createProcessTable({
        ...world,
        readView: () => grants.tap(readNodeView(gateway)),
        knownAttributes: deps.ledger.settings?.attributes ?? [],
      }),
      "processes",
    );
    context.spawn(
      createDiskWatch({ identity, alerts, messageLog: deps.messages, settings: () => settings.disk() }),
      "disk-watch",
    );
    context.spawn(
      createErrorFileWatch({
        identity,
        alerts,
        enabled: () => settings.checksErrorFiles(),
        patterns: () => DEFAULT_PATTERNS,
      }),
      "error-file-watch",
    );
    const epochs = openEpochFile(`${identity.home}/run/epoch`, log);
    let steps: ActorRef<{ readonly type: "Wake" }> | null = null;
    /** What speaks for this server and takes its steps, under the incarnation of this start: that is taken by now. */
    const serve = (): void => {
      const { incarnation } = identity;
      context.spawn(createSignOfLife({ gateway, serverId, incarnation, onSuperseded }), "sign-of-life");
      steps = context.spawn(
        createStepRunner({
          gateway,
          serverId,
          incarnation,
          async bring({ type, instance, desired, launchId }) {
            const find = { type: "GetKeeper", key: { type, instance } } as const;
            const keeper = await processes.ask(find, { timeoutMs: FIND_KEEPER_MS });
            const order = { type: "Bring", desired, launchId, by: "operation" } as const;
            return await keeper.ask(order, { timeoutMs: settings.deadlineOf(type) });
          },
          mayClaim: (step) => grants.mayClaim(step),
          seenEpoch: () => epochs.highest,
          deadlineOf: ({ type }) => settings.deadlineOf(type) + FIND_KEEPER_MS,
          recorded: () => status.flush(RECORD_MS),
          finished: (operationId) =>
            system.remote(Conductor, { host: "master" }).tell({ type: "StepFinished", operationId }),
          onSuperseded,
        }),
        "step-runner",
      );
      grants.begin(context, processes, () => steps?.tell({ type: "Wake" }));
    };
    context.pipeToSelf(deps.joined, {
      ok: (): Joined => ({ type: "Joined", is: true }),
      failed: (): Joined => ({ type: "Joined", is: false }),
    });
    const role = context.spawn(
      createRole({
        gateway,
        serverId,
        live: openLiveMaster({ bus, subjects, clock, log }),
        epochs,
        onBackwards: (found) => void reportEpoch(alerts, identity.server, found, clock.now(), log),
        onChange: deps.onRole,
        startMaster: (term) =>
          startMaster({ ...identity, gateway, system, bus, events, fence, alerts: sink, clock, newId, log }, term),
      }),
      "role",
    );
    void reportSettings(alerts, identity.server, deps.settings, clock.now(), log);
    const marker = `${identity.home}/run/certificate.problem`;
    reportCertificates({ alerts, trust: deps.trust, server: identity.server, marker, clock, log });

    return receive<GuardianCommand>(
      {
        async Stop({ by, keepsBus = false }, replyTo) {
          try {
            await refuseWhileRunning(processes, identity.server);
          } catch (thrown) {
            if (!(thrown instanceof CastellanError)) throw thrown;
            replyTo.refuse(thrown);
            return;
          }
          await grants.giveUp();
          replyTo.success({ stopping: true });
          deps.onStop(`asked by ${by}`, keepsBus);
        },
        Refresh() {
          settings.refresh();
          processes.tell({ type: "Refresh" } satisfies ProcessTableCommand);
        },
        Joined({ is }) {
          if (!is) return; // this worker ends
          settings.refresh();
          processes.tell({ type: "Refresh" } satisfies ProcessTableCommand);
          serve();
        },
        Wake: () => steps?.tell({ type: "Wake" }),
        Reassert: () => alerts.reassert(),
        ConfirmGrant: (asked, replyTo) => replyTo.success(grants.confirm(asked)),
        RefuseGrant: (asked, replyTo) => replyTo.success(grants.refuse(asked)),
        TestEvents: (_message, replyTo) =>
          answerEventTest({ bus, subjects, server: identity.server, clock, newId }, replyTo),
        TakeMastership: (order, replyTo) => forward(role.ask(order, { timeoutMs: TAKE_MS }), replyTo),
        AwaitMaster: (asked, replyTo) => forward(role.ask(asked, { timeoutMs: OPINION_MS }), replyTo),
        Exchange: ({ by, release }, replyTo) => forward(deps.exchange(by, release), replyTo),
        MasterSeen: (question, replyTo) => forward(role.ask(question, { timeoutMs: OPINION_MS }), replyTo),
      },
      {
        async stopping() {
          ending.abort();
          alerts.close();
          settings.close();
          grants.close();
          await status.flush(2000);
          await status.close();
          await events.stop(1000);
        },
      },
    );
  });
}
