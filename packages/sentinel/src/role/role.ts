/**
 * The role of this sentinel: slave, or master of one epoch. What to do is decided in `election.ts`; here it is done.
 *
 * L1 A worker never inherits mastership: also where the schema names its own server, it takes a new epoch first.
 * L2 What a master runs lives within a term: it is spawned and exposed (as host "master") after its epoch was taken, and its
 *    names are taken back before the next term begins. What then still finishes its last message is fenced by its epoch.
 * L3 A term that was lost, or could not begin, is followed by another try after a growing wait. While another server is
 *    master, this one looks on.
 */
import { type ActorContext, type Behavior, type CommandOf, receive, restart, setup, supervise } from "@castellan/actor";
import type { Sentinel } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { createAsker } from "./asker.ts";
import { createAttempts } from "./attempt.ts";
import { decideElection } from "./election.ts";
import type { Effect, Election, ElectionEvent, Facts } from "./election-state.ts";
import { isExcused, nothingKnown } from "./known.ts";
import { type EpochMemory, type LivePort, noBus, noMemory } from "./live-port.ts";
import { epochBackwards } from "./mastership.ts";
import { opine } from "./opinion.ts";
import { createOrders, notTaken } from "./orders.ts";
import { createSchemaWatch } from "./schema-watch.ts";
import type { StartMaster } from "./term.ts";
import { createTerms } from "./terms.ts";
import { createWitnesses } from "./witnesses.ts";

export interface RoleDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly startMaster: StartMaster;
  /** For heartbeats and probes: told of every change. */
  readonly onChange?: (role: RoleState) => void;
  /** Default: no bus. */
  readonly live?: LivePort;
  /** Default: none. */
  readonly epochs?: EpochMemory;
  /** The schema shows an older epoch than was seen; null: not any more. */
  readonly onBackwards?: (found: { readonly shown: number; readonly seen: number } | null) => void;
}

export type RoleState =
  | { readonly role: "master"; readonly epoch: number }
  /** `masterId` null: nobody is master, or it is not known. */
  | { readonly role: "slave"; readonly masterId: number | null; readonly epoch: number };

type SentinelMessage<K extends string> = Extract<CommandOf<typeof Sentinel>, { readonly type: K }>;

export type RoleCommand =
  | { readonly type: "Tick" }
  | { readonly type: "Poll" }
  | { readonly type: "Ask" }
  | { readonly type: "Happened"; readonly event: ElectionEvent }
  | SentinelMessage<"TakeMastership">
  | SentinelMessage<"AwaitMaster">
  | SentinelMessage<"MasterSeen">;

/** Between two looks at the time, and at the schema, milliseconds. */
const TICK_MS = 100;
const POLL_MS = 1000;
/** Where nothing is asked it is looked whether to. */
const IDLE_MS = 500;
/** A tick so much too late says that the event loop stood still, milliseconds. */
const STALL_MS = 1000;
const RESTART = { firstMs: 100, maxMs: 5000 };

export function createRole(deps: RoleDeps): Behavior<RoleCommand> {
  const behavior = setup<RoleCommand>((context) => act(deps, context));
  return supervise(behavior, restart({ maxRestarts: 5, withinMs: 60_000, backoff: RESTART }));
}

function act(deps: RoleDeps, context: ActorContext<RoleCommand>): Behavior<RoleCommand> {
  const { gateway, serverId, live = noBus, epochs = noMemory } = deps;
  const { clock, log, rng, newId, system, timers, self } = context;
  const happened = (event: ElectionEvent): void => self.tell({ type: "Happened", event });

  let state: Election = { kind: "following", known: nothingKnown(serverId, epochs.highest, clock.bootMs()) };
  let reported: RoleState = { role: "slave", masterId: null, epoch: epochs.highest };
  let awakeSinceMs = clock.bootMs();
  let tickedMs = clock.bootMs();
  const schema = createSchemaWatch({ gateway, clock, log, happened });
  const terms = createTerms(context, { startMaster: deps.startMaster, epochs, happened });
  const witnesses = createWitnesses({ system, nameOf: (id) => schema.nameOf(id), log, happened });
  const orders = createOrders();
  const attempts = createAttempts({
    gateway,
    serverId,
    clock,
    newId,
    log,
    happened,
    confirmed: (sentMs) => schema.confirmed(sentMs),
  });
  const asker = createAsker({ live, rng, happened });
  live.onQuestion((epoch) => happened({ type: "Challenged", epoch }));

  const factsNow = (): Facts => {
    const nowMs = clock.bootMs();
    const since = [live.settledMs(), schema.settledMs(), nowMs - awakeSinceMs];
    return {
      nowMs,
      settledMs: since.includes(null) ? null : Math.min(...since.map((ms) => ms ?? 0)),
      sqlAgeMs: schema.confirmedAgeMs(),
      alone: schema.isAlone(),
      jitter: rng.next(),
    };
  };

  const perform = (effect: Effect): void => {
    switch (effect.do) {
      case "read":
        schema.look(state.known.highest, masterEpoch());
        return;
      case "survey":
        schema.survey();
        return;
      case "ask-members":
        for (const id of effect.ids) void witnesses.askMember(id, effect.epoch);
        return;
      case "ask-watcher":
        void witnesses.askWatcher(effect.id);
        return;
      case "take":
        log.info("taking mastership", { ...effect });
        void attempts.take(effect, state.known.highest);
        return;
      case "begin":
        terms.begin(effect.epoch);
        return;
      case "end":
        log.warn("mastership ends", { epoch: effect.epoch, why: effect.why });
        terms.end();
        return;
      case "remember":
        terms.remember(effect.epoch);
        return;
      case "obeyed":
        orders.obeyed(effect.epoch);
        return;
      case "disobeyed": {
        const { highest, master } = state.known;
        orders.disobeyed(
          effect.why === "backwards" ? epochBackwards(master?.epoch ?? 0, highest) : notTaken(attempts.failure),
        );
        return;
      }
      case "alarm":
        log.error("the schema shows an older epoch than was seen: nothing is done", { ...effect });
        deps.onBackwards?.({ shown: effect.shown, seen: effect.seen });
        return;
      case "all-clear":
        deps.onBackwards?.(null);
        return;
    }
  };
  const masterEpoch = (): number | null => (state.kind === "master" ? state.epoch : null);

  const decide = (event: ElectionEvent): void => {
    const before = state.kind;
    const decided = decideElection(state, event, factsNow());
    state = decided.state;
    if (before !== state.kind) {
      if (state.kind === "checking") log.warn("is the master gone?", { evidence: state.check.evidence });
      answerAs();
      // Whoever still answers for an earlier epoch hears of this one.
      if (state.kind === "master") void live.ask(state.epoch);
    }
    for (const effect of decided.effects) perform(effect);
    live.follow(followed(), beat);
    report();
  };
  const beat = (epoch: number): void => happened({ type: "Beat", epoch });
  const answerAs = (): void => {
    if (state.kind === "master") live.answer({ word: "master", epoch: state.epoch, askMs: schema.askMs() });
    else live.answer(state.kind === "taking" ? { word: "candidate" } : null);
  };
  const followed = (): string | null => {
    const id = state.kind === "master" ? null : (state.known.master?.id ?? null);
    return id === null || id === serverId ? null : schema.nameOf(id);
  };
  const report = (): void => {
    const { known } = state;
    const next: RoleState =
      state.kind === "master"
        ? { role: "master", epoch: state.epoch }
        : { role: "slave", masterId: known.master?.id ?? null, epoch: known.master?.epoch ?? known.highest };
    const isSame =
      next.role === reported.role &&
      next.epoch === reported.epoch &&
      (next.role === "master" || (reported.role === "slave" && reported.masterId === next.masterId));
    if (isSame) return;
    reported = next;
    deps.onChange?.(next);
  };

  const hasHint = (): boolean => state.kind === "checking" || state.known.nobody > 0;
  const looks = (): boolean => (state.kind === "following" || state.kind === "checking") && followed() !== null;
  const tickMs = (): number => (state.kind === "master" && schema.isAlone() ? POLL_MS : TICK_MS);

  timers.once("tick", TICK_MS, { type: "Tick" });
  timers.once("ask", IDLE_MS, { type: "Ask" });
  self.tell({ type: "Poll" });

  return receive<RoleCommand>(
    {
      Tick() {
        const nowMs = clock.bootMs();
        if (nowMs - tickedMs > POLL_MS + STALL_MS) awakeSinceMs = nowMs;
        tickedMs = nowMs;
        timers.once("tick", tickMs(), { type: "Tick" });
        decide({ type: "Tick" });
      },
      Poll() {
        timers.once("poll", POLL_MS, { type: "Poll" });
        if (state.kind === "master") answerAs(); // there may be more to ask it now
        schema.poll(state.known.highest, masterEpoch());
      },
      Ask() {
        timers.once("ask", looks() ? asker.delayMs(hasHint()) : IDLE_MS, { type: "Ask" });
        if (looks()) void asker.ask(state.known.master?.epoch ?? 0);
      },
      Happened({ event }) {
        decide(event);
      },
      TakeMastership({ requestId, returns, by }, replyTo) {
        if (!orders.accept(requestId, replyTo)) return;
        log.info("ordered to take mastership", { by, requestId });
        decide({ type: "Ordered", returns });
      },
      AwaitMaster({ epoch, forMs }, replyTo) {
        decide({ type: "Excused", epoch, forMs });
        const { kind, known } = state;
        const isHeeded = kind === "following" && known.excused?.epoch === epoch && known.master?.epoch === epoch;
        const waits = isHeeded && (forMs === 0 || isExcused(known, factsNow()));
        log.info("the pair of the master is being exchanged", { epoch, forMs, waits });
        replyTo.success({ waits });
      },
      MasterSeen(_, replyTo) {
        const facts = factsNow();
        const asked = state.kind === "master" ? null : live.ask(state.known.master?.epoch ?? 0);
        void Promise.resolve(asked).then((said) =>
          replyTo.success(opine(state, said?.live ?? { word: "silence" }, facts)),
        );
      },
    },
    {
      async stopping(why) {
        live.answer(null);
        live.follow(null, beat);
        if (why === "stopped") live.close();
        schema.close();
        terms.end();
        await terms.settled();
      },
    },
  );
}
