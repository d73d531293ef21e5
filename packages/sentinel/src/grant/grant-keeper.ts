/**
 * Holds the grant of this server: performs what `holder.ts` decides, and answers whether something may be started.
 *
 * K1 A launch is permitted only while the grant is in force and the guard is there; the guard looks at the time once more.
 * K2 Whoever waits for a permit when a grant ends is refused: an order of an earlier generation starts nothing in a later one.
 *    Nor while the keepers are being told to stop: what that reaches late would be stopped again.
 * K3 The next generation is taken after every keeper has been told that the last one is over, and the guard has found no
 *    process of it.
 */
import { type ActorContext, type Asking, type Behavior, type ReplyTo, receive, setup } from "@castellan/actor";
import { CastellanError, ensureError } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import { createGrantRow } from "./grant-row.ts";
import type { GuardPort } from "./guard-port.ts";
import { decideHolder } from "./holder.ts";
import {
  beginHolding,
  endOf,
  type HolderEffect,
  type HolderEvent,
  type HolderState,
  isAlone,
  mayLaunch,
} from "./holding.ts";
import { killLeadMs, type Terms } from "./terms.ts";

/** `guarded`: it must be started by the guard. */
export interface Permit {
  readonly guarded: boolean;
}

export type GrantCommand =
  /** Refused NOT_GRANTED (retryable): the instance is held until the master starts it again. */
  | Asking<{ readonly type: "Permit" }, Permit>
  /** This server ends in order and nothing runs: others need not wait. */
  | Asking<{ readonly type: "GiveUp" }, void>
  | { readonly type: "Tick" }
  | { readonly type: "Happened"; readonly event: HolderEvent };

export interface GrantKeeperDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly incarnation: number;
  /** What the schema asks for: the members of the node, the period, the types that are granted; null: not read yet. */
  readonly wanted: () => { readonly terms: Terms; readonly types: readonly string[] } | null;
  readonly guard: GuardPort;
  /** Asks a member; false when it refuses. Rejects when it does not answer. */
  readonly confirm: (member: number, generation: number) => Promise<boolean>;
  /** Resolves when every keeper of a granted instance knows that it must not run. */
  readonly stopProcesses: () => Promise<void>;
  /** Told of every change. */
  readonly onChange: (mayLaunch: boolean) => void;
  readonly onSuperseded: () => void;
}

const TICK_MS = 250;
const PERMIT_MS = 10_000;

export function createGrantKeeper(deps: GrantKeeperDeps): Behavior<GrantCommand> {
  return setup<GrantCommand>((context) => hold(deps, context));
}

function hold(deps: GrantKeeperDeps, context: ActorContext<GrantCommand>): Behavior<GrantCommand> {
  const { serverId, guard } = deps;
  const { clock, log, self, timers } = context;
  const row = createGrantRow({ ...deps, clock });
  let state: HolderState = beginHolding(serverId, guard.remembered());
  let waiting: { readonly sinceMs: number; readonly replyTo: ReplyTo<Permit> }[] = [];
  let sweeping = 0;
  let stopping = 0;
  let hasGivenUp = false;
  let lastMay: boolean | null = null;

  const later = (work: Promise<HolderEvent | null>, failed: HolderEvent | null): void => {
    work.then(
      (event) => event !== null && self.tell({ type: "Happened", event }),
      (thrown: unknown) => {
        log.debug("the grant of this server: no answer", { error: ensureError(thrown).message });
        if (failed !== null) self.tell({ type: "Happened", event: failed });
      },
    );
  };

  const stopProcesses = async (): Promise<void> => {
    stopping += 1;
    try {
      await deps.stopProcesses();
    } finally {
      stopping -= 1;
    }
  };
  const sweep = async (generation: number): Promise<HolderEvent | null> => {
    await stopProcesses();
    return guard.hasSwept() ? { type: "swept", generation } : null;
  };

  const perform = (effect: HolderEffect): void => {
    switch (effect.kind) {
      case "read":
        later(row.read(effect.id), { type: "failed", id: effect.id });
        return;
      case "renew":
        later(row.renew(effect), { type: "failed", id: effect.id });
        return;
      case "take": {
        const { from, terms } = effect;
        log.info("taking a grant", { generation: from + 1, members: terms.members, periodMs: terms.periodMs });
        later(row.take(effect), { type: "failed", id: effect.id });
        return;
      }
      case "ask":
        for (const member of effect.members) {
          const answer = deps.confirm(member, effect.generation);
          later(
            answer.then((isConfirmed) => (isConfirmed ? { type: "confirmed", id: effect.id, member } : null)),
            null,
          );
        }
        return;
      case "end-at": {
        const { endMs, generation, periodMs } = effect;
        guard.endAt({ endMs, killMs: endMs - killLeadMs(periodMs), generation });
        return;
      }
      case "stop-processes":
        refuseWaiting("the server has no contact, or its grant was taken away");
        log.warn("the grant of this server ends: what runs under it is stopped", {
          generation: state.generation,
          isRevoked: state.row === "revoked",
          inMs: Math.round(endOf(state) - clock.bootMs()),
        });
        later(
          stopProcesses().then(() => null),
          null,
        );
        return;
      case "sweep":
        if (sweeping > 0) return;
        sweeping += 1;
        later(
          sweep(effect.generation).finally(() => {
            sweeping -= 1;
          }),
          null,
        );
        return;
    }
  };

  const refuseWaiting = (why: string): void => {
    for (const { replyTo } of waiting) replyTo.refuse(notGranted(why));
    waiting = [];
  };
  const happen = (event: HolderEvent): void => {
    const { generation } = state;
    const decision = decideHolder(state, event, clock.bootMs());
    state = decision.state;
    if (generation !== 0 && state.generation !== generation) refuseWaiting("it was asked for under an earlier grant");
    for (const effect of decision.effects) perform(effect);
    answerWaiting();
  };
  const answerWaiting = (): void => {
    const nowMs = clock.bootMs();
    const isAllowed = !hasGivenUp && stopping === 0 && mayLaunch(state, nowMs) && (isAlone(state) || guard.isUp());
    if (isAllowed !== lastMay) deps.onChange(isAllowed);
    lastMay = isAllowed;
    if (isAllowed) {
      for (const { replyTo } of waiting) replyTo.success({ guarded: !isAlone(state) });
      waiting = [];
    } else if (hasGivenUp) refuseWaiting("its sentinel ends");
    else if (state.row === "revoked") refuseWaiting("its grant was taken away");
    else if (stopping > 0) refuseWaiting("what ran under its grant is being stopped");
    else {
      for (const { replyTo } of waiting.filter(({ sinceMs }) => nowMs - sinceMs >= PERMIT_MS)) {
        replyTo.refuse(notGranted(guard.isUp() ? "the server has no contact" : "its guard does not start"));
      }
      waiting = waiting.filter(({ sinceMs }) => nowMs - sinceMs < PERMIT_MS);
    }
  };

  const giveUp = async (): Promise<void> => {
    hasGivenUp = true;
    answerWaiting();
    const { generation } = state;
    if (isAlone(state)) return;
    // First nothing can run or be started any more, then others hear of it.
    guard.end();
    if (state.row !== "current") return;
    await row.giveUp(generation);
    // The next worker of this server need not wait either.
    const nowMs = clock.bootMs();
    if (nowMs < endOf(state)) guard.endAt({ endMs: nowMs, killMs: nowMs, generation });
  };

  timers.every("tick", TICK_MS, { type: "Tick" });
  self.tell({ type: "Tick" });
  return receive<GrantCommand>({
    Tick() {
      if (hasGivenUp) return;
      const wanted = deps.wanted();
      const terms = wanted?.terms ?? state.terms.at(-1);
      if (wanted !== null && (wanted.terms.members.length > 1 || !isAlone(state))) guard.keep(wanted.types);
      if (terms !== undefined) happen({ type: "tick", wanted: terms });
      else if (state.row === "unknown") happen({ type: "tick", wanted: { members: [], periodMs: 0 } });
    },
    Happened({ event }) {
      if (!hasGivenUp) happen(event);
    },
    Permit(_message, replyTo) {
      waiting.push({ sinceMs: clock.bootMs(), replyTo });
      answerWaiting();
    },
    async GiveUp(_message, replyTo) {
      try {
        await giveUp();
        replyTo.success(undefined);
      } catch (thrown) {
        replyTo.refuse(new CastellanError("STORE_UNAVAILABLE", ensureError(thrown).message, { retryable: true }));
      }
    },
  });
}

const notGranted = (why: string): CastellanError =>
  new CastellanError("NOT_GRANTED", `it may not be started now: ${why}`, { retryable: true });
