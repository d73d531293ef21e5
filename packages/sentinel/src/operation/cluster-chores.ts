/**
 * What the master of several servers sees to by itself: the foreground is where the master is, and what could not be done
 * because a server was missing is done when it is back. Decided in `foreground.ts` and `catch-up.ts`; remembered here is only
 * what has been tried, which a next master may try again.
 */
import type { Clock } from "@castellan/kernel";
import type { Gateway, NodeView } from "@castellan/store";
import { readMastership } from "../role/mastership.ts";
import { catchUpSteps, keyOf, readLastWords } from "./catch-up.ts";
import { type Chore, ownOperation } from "./chore.ts";
import { decideForeground, straysOf } from "./foreground.ts";
import { moveRows, planMove } from "./move.ts";
import { type MoveTries, mayMoveAgain, triedAgain, whatMoves } from "./move-again.ts";
import { anticipate, findOverlap, hasEnded, type OpenOperation } from "./overlap.ts";
import { instanceLabel, listOf, type PlannedInstance } from "./plan.ts";
import { isMissing } from "./plan-checks.ts";
import type { ServerWatch } from "./server-watch.ts";

export interface ClusterChores {
  next(view: NodeView, open: readonly OpenOperation[]): Promise<Chore | null>;
  /** Something has ended or begun: what was left undone may be possible now. */
  stir(): void;
}

export interface ClusterChoresDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly servers: ServerWatch;
}

/** Who asks for the operations made here. */
const BY = "castellan";
/** Between two tries of the same, milliseconds. */
const HAND_BACK_AGAIN_MS = 5000;
const CATCH_UP_AGAIN_MS = 10_000;
/** An instance is caught up with at most so often until a server returns again. */
const MOST_TRIES = 3;

export function createClusterChores({ gateway, epoch, clock, newId, servers }: ClusterChoresDeps): ClusterChores {
  const asked = new Map<number, number>();
  const tries = new Map<string, number>();
  /** Of moves, by the server that they are from. */
  const moves = new Map<number, MoveTries>();
  let missingBefore: ReadonlySet<number> = new Set();
  let handBackAtMs = Number.NEGATIVE_INFINITY;
  let catchUpAtMs = Number.NEGATIVE_INFINITY;
  const isSoonAfter = (atMs: number, againMs: number): boolean => clock.bootMs() - atMs < againMs;
  const journal = () => ({ epoch, now: clock.now(), newId });

  const foreground = async (view: NodeView, open: readonly OpenOperation[]): Promise<Chore | null> => {
    const { masterId, types } = view;
    const master = view.servers.find(({ id }) => id === masterId);
    const strays = straysOf(view);
    if (strays.length === 0) moves.clear();
    if (master === undefined || strays.length === 0 || isTouched(strays, open)) return null;
    const homes = new Set(strays.map(({ serverId }) => serverId));
    const missing = [...homes].filter((id) => isMissing(view, id));
    const [grantsOver, mastership] = [await servers.over(missing), await readMastership(gateway)];
    const handover = mastership.handover === "planned" ? "planned" : "unplanned";
    const returnedTo = mastership.returned_to;
    const seen = { masterId, instances: view.instances, types, sights: servers.sights };
    const decision = decideForeground({ ...seen, handover, returnedTo, grantsOver, asked });
    if (decision.kind === "hand-back" && !isSoonAfter(handBackAtMs, HAND_BACK_AGAIN_MS)) {
      handBackAtMs = clock.bootMs();
      asked.set(decision.home, (asked.get(decision.home) ?? 0) + 1);
      const handBack = servers.sights.get(decision.home)?.name ?? "";
      return {
        writes: [],
        steps: [],
        handBack,
        why: `${handBack} is back before its foreground moved: it is asked to be master again`,
      };
    }
    if (decision.kind !== "move") return null;
    const moving = whatMoves(decision.instances, types);
    if (!mayMoveAgain(moves.get(decision.home), moving, clock.bootMs())) return null;
    const { options, steps } = planMove(decision.instances, master, view, decision.isConfirmed);
    if (findOverlap("move", steps, open).kind === "busy") return null;
    moves.set(decision.home, triedAgain(moves.get(decision.home), moving, clock.bootMs()));
    const [first] = decision.instances;
    const rows = steps.some(({ desired }) => desired === "HELD") ? [] : await moveRows(gateway, options);
    const target = { server: first?.server ?? master.name };
    const requestId = `move-${newId()}`;
    const note = "nothing of it was up: it is defined here now";
    const operation = ownOperation({ verb: "move", requestId, target, options, by: BY, steps, note }, journal());
    const what = listOf(decision.instances.map(instanceLabel));
    return {
      writes: [...rows, ...operation],
      steps,
      why: `the foreground goes to ${master.name}, which is master: ${what}`,
    };
  };

  const noteReturns = (view: NodeView): void => {
    const missing = new Set(view.servers.filter(({ id }) => isMissing(view, id)).map(({ id }) => id));
    if ([...missingBefore].some((id) => !missing.has(id))) {
      tries.clear();
      moves.clear();
      catchUpAtMs = Number.NEGATIVE_INFINITY;
    }
    missingBefore = missing;
  };

  const catchUp = async (view: NodeView, open: readonly OpenOperation[]): Promise<Chore | null> => {
    noteReturns(view);
    if (isSoonAfter(catchUpAtMs, CATCH_UP_AGAIN_MS)) return null;
    catchUpAtMs = clock.bootMs();
    const lastWords = await readLastWords(gateway, view);
    const busy = new Set(open.flatMap(({ steps }) => steps.filter(({ state }) => !hasEnded(state)).map(keyOf)));
    const isFree = (one: PlannedInstance): boolean =>
      !busy.has(keyOf(one)) && (tries.get(keyOf(one)) ?? 0) < MOST_TRIES;
    const steps = catchUpSteps(anticipate(view, open), lastWords, isFree);
    if (steps.length === 0 || findOverlap("catch_up", steps, open).kind === "busy") return null;
    for (const step of steps) tries.set(keyOf(step), (tries.get(keyOf(step)) ?? 0) + 1);
    const requestId = `catch-up-${newId()}`;
    return {
      writes: ownOperation({ verb: "catch_up", requestId, target: {}, by: BY, steps }, journal()),
      steps,
      why: `what was left undone is done now: ${listOf(steps.map(instanceLabel))}`,
    };
  };

  return {
    next: async (view, open) => (await foreground(view, open)) ?? (await catchUp(view, open)),
    stir() {
      catchUpAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** An open operation is about one of them, or about the same number elsewhere. */
function isTouched(instances: readonly PlannedInstance[], open: readonly OpenOperation[]): boolean {
  const labels = new Set(instances.map(({ type, instance }) => `${type} ${instance}`));
  return open.some(({ steps }) => steps.some(({ type, instance }) => labels.has(`${type} ${instance}`)));
}
