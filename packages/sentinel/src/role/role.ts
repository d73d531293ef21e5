/**
 * The role of this sentinel: slave, or master of one epoch. What to do is decided in `election.ts`; here it is done.
 *
 * L1 A worker never inherits mastership: also where the schema names its own server, it takes a new epoch first.
 * L2 What a master runs lives within a term: it is spawned and exposed (as host "master") after its epoch was taken, and its
 *    names are taken back before the next term begins. What then still finishes its last message is fenced by its epoch.
 * L3 A term that was lost, or could not begin, is followed by another try after a growing wait. While another server is
 *    master, this one looks on.
 */
import {
  type ActorContext,
  type Behavior,
  type CommandOf,
  type ReplyOf,
  type ReplyTo,
  receive,
  restart,
  setup,
  supervise,
} from "@castellan/actor";
import { CastellanError, ensureError } from "@castellan/kernel";
import { Sentinel, Watcher } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { decideElection } from "./election.ts";
import type { Effect, Election, ElectionEvent, Facts } from "./election-state.ts";
import { isSettled, nothingKnown } from "./known.ts";
import { type EpochMemory, type LivePort, noBus, noMemory } from "./live-port.ts";
import { epochBackwards, takeOver } from "./mastership.ts";
import { createSchemaWatch } from "./schema-watch.ts";
import { beginTerm, type StartMaster } from "./term.ts";

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

type Ordered = ReplyOf<typeof Sentinel, "TakeMastership">;
type SentinelMessage<K extends string> = Extract<CommandOf<typeof Sentinel>, { readonly type: K }>;

export type RoleCommand =
  | { readonly type: "Tick" }
  | { readonly type: "Poll" }
  | { readonly type: "Ask" }
  | { readonly type: "Happened"; readonly event: ElectionEvent }
  | SentinelMessage<"TakeMastership">
  | SentinelMessage<"MasterSeen">;

/** Between two looks at the time, at the schema, and two questions for the master, milliseconds. */
const TICK_MS = 100;
const POLL_MS = 1000;
const ASK_MS = 100;
/** Where nothing is asked it is looked whether to. */
const IDLE_MS = 500;
/** After a hint it is asked again sooner. */
const ASK_AGAIN_MS = 50;
/** So much of the time between two questions is random. */
const ASK_JITTER = 0.2;
/** A tick so much too late says that the event loop stood still, milliseconds. */
const STALL_MS = 1000;
/** Longer than the member may wait for a master that stands still. */
const MEMBER_MS = 700;
const WATCHER_MS = 200;
/** Who orders while an order is under way hears its result; more are refused. */
const MAX_WAITING = 16;
const PLANNED_ATTEMPTS = 3;
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
  let askMs = ASK_MS;
  let asking = false;
  let awakeSinceMs = clock.bootMs();
  let tickedMs = clock.bootMs();
  let endTerm: (() => Promise<void>) | null = null;
  /** What begins and ends terms, one after the other. */
  let terms: Promise<void> = Promise.resolve();
  const waiting: ReplyTo<Ordered>[] = [];
  let lastOrder: { readonly requestId: string; readonly reply: Ordered } | null = null;
  let lastRequestId = "";
  let notTaken: unknown = null;

  const schema = createSchemaWatch({ gateway, clock, log, happened });
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

  const inTerms = (work: () => Promise<void>): void => {
    terms = terms.then(work).catch((thrown: unknown) => {
      log.error("a term could not be changed", { error: ensureError(thrown) });
    });
  };
  const begin = async (epoch: number): Promise<void> => {
    try {
      const onDeposed = (): void => happened({ type: "Deposed", epoch });
      endTerm = await beginTerm(context, deps.startMaster, { epoch, onDeposed });
      log.info("this server is master", { epoch });
    } catch (thrown) {
      log.error("what a master runs could not be started", { epoch, error: ensureError(thrown) });
      happened({ type: "NotBegun", epoch });
    }
  };
  const end = async (): Promise<void> => {
    const ends = endTerm;
    endTerm = null;
    await ends?.();
  };
  const remember = async (epoch: number): Promise<void> => {
    try {
      await epochs.remember(epoch);
    } catch (thrown) {
      log.error("the epoch could not be written to disk", { epoch, error: ensureError(thrown) });
    }
  };

  const take = async ({ handover, returns, ifEpoch }: Extract<Effect, { do: "take" }>): Promise<void> => {
    const { highest } = state.known;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const sentMs = clock.bootMs();
        const wanted = { serverId, nonce: newId(), now: clock.now(), handover, returns, ifEpoch, highest };
        const taken = await takeOver(gateway, wanted);
        if (taken.kind === "master") {
          schema.confirmed(sentMs);
          happened({ type: "Taken", epoch: taken.epoch });
          return;
        }
        // An order wins, also over whoever takes it at this moment.
        if (handover === "planned" && attempt < PLANNED_ATTEMPTS) continue;
        happened({ type: "Lost", epoch: taken.epoch });
        return;
      }
    } catch (thrown) {
      // The database is away, the server is no member: none of it is better for a crash.
      notTaken = thrown;
      const retryable = thrown instanceof CastellanError && thrown.retryable;
      log[retryable ? "warn" : "error"]("mastership could not be taken", { error: ensureError(thrown) });
      happened({ type: "NotTaken" });
    }
  };
  const askMember = async (id: number, epoch: number): Promise<void> => {
    const host = schema.nameOf(id);
    if (host === null) return;
    try {
      const seen = await system.remote(Sentinel, { host }).ask({ type: "MasterSeen", epoch }, { timeoutMs: MEMBER_MS });
      happened({ type: "Opined", ...seen });
    } catch (thrown) {
      log.debug("another member gave no opinion", { member: host, error: ensureError(thrown) });
    }
  };
  const askWatcher = async (id: number): Promise<void> => {
    const host = schema.nameOf(id);
    try {
      if (host === null) throw new CastellanError("UNKNOWN_SERVER", `no server ${id}`);
      const { worker } = await system.remote(Watcher, { host }).ask({ type: "Vouch" }, { timeoutMs: WATCHER_MS });
      happened({ type: "Vouched", word: worker });
    } catch (thrown) {
      log.debug("the watcher says nothing for its worker", { server: host, error: ensureError(thrown) });
      happened({ type: "Vouched", word: "nobody" });
    }
  };
  const answerOrders = (answer: (replyTo: ReplyTo<Ordered>) => void): void => {
    for (const replyTo of waiting.splice(0)) answer(replyTo);
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
        for (const id of effect.ids) void askMember(id, effect.epoch);
        return;
      case "ask-watcher":
        void askWatcher(effect.id);
        return;
      case "take":
        log.info("taking mastership", { ...effect });
        void take(effect);
        return;
      case "begin":
        inTerms(() => begin(effect.epoch));
        return;
      case "end":
        log.warn("mastership ends", { epoch: effect.epoch, why: effect.why });
        inTerms(end);
        return;
      case "remember":
        inTerms(() => remember(effect.epoch));
        return;
      case "obeyed": {
        const reply = { epoch: effect.epoch };
        lastOrder = { requestId: lastRequestId, reply };
        answerOrders((replyTo) => replyTo.success(reply));
        return;
      }
      case "disobeyed": {
        const { highest, master } = state.known;
        const refusal =
          effect.why === "backwards" ? epochBackwards(master?.epoch ?? 0, highest) : notTakenNow(notTaken);
        answerOrders((replyTo) => replyTo.refuse(refusal));
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

  const askNow = async (): Promise<void> => {
    asking = true;
    try {
      const said = await live.ask(state.known.master?.epoch ?? 0);
      if (said === null) return;
      if (said.askMs !== null) askMs = said.askMs;
      happened({ type: "Answered", live: said.live });
    } finally {
      asking = false;
    }
  };
  const askDelayMs = (): number => {
    const soon = state.kind === "checking" || state.known.nobody > 0;
    return (soon ? Math.min(ASK_AGAIN_MS, askMs) : askMs) * (1 - ASK_JITTER + 2 * ASK_JITTER * rng.next());
  };

  const looks = (): boolean => (state.kind === "following" || state.kind === "checking") && followed() !== null;
  const tickMs = (): number => (state.kind === "master" && schema.isAlone() ? POLL_MS : TICK_MS);

  timers.once("tick", TICK_MS, { type: "Tick" });
  timers.once("ask", ASK_MS, { type: "Ask" });
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
        timers.once("ask", looks() ? askDelayMs() : IDLE_MS, { type: "Ask" });
        if (looks() && !asking) void askNow();
      },
      Happened({ event }) {
        decide(event);
      },
      TakeMastership({ requestId, returns, by }, replyTo) {
        if (lastOrder?.requestId === requestId) {
          replyTo.success(lastOrder.reply);
          return;
        }
        if (waiting.length >= MAX_WAITING) {
          replyTo.refuse(notTakenNow(null));
          return;
        }
        log.info("ordered to take mastership", { by, requestId });
        lastRequestId = requestId;
        waiting.push(replyTo);
        decide({ type: "Ordered", returns });
      },
      MasterSeen(_, replyTo) {
        void opinion().then((seen) => replyTo.success(seen));
      },
    },
    {
      async stopping(why) {
        live.answer(null);
        live.follow(null, beat);
        if (why === "stopped") live.close();
        schema.close();
        inTerms(end);
        await terms;
      },
    },
  );

  async function opinion(): Promise<ReplyOf<typeof Sentinel, "MasterSeen">> {
    const facts = factsNow();
    const { master, heardMs } = state.known;
    const said = state.kind === "master" ? null : await live.ask(master?.epoch ?? 0);
    return {
      settled: isSettled(facts),
      epoch: state.kind === "master" ? state.epoch : (master?.epoch ?? null),
      live: state.kind === "master" ? { word: "master", epoch: state.epoch } : (said?.live ?? { word: "silence" }),
      heardAgoMs: master === null ? null : Math.max(0, facts.nowMs - heardMs),
    };
  }
}

function notTakenNow(cause: unknown): CastellanError {
  const why = cause instanceof Error ? cause.message : "another server was faster; look who is master now";
  return new CastellanError("NOT_TAKEN", `mastership was not taken: ${why}`, { retryable: true, cause });
}
