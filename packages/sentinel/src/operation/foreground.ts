/**
 * Where the foreground should be, and what to do when it is elsewhere: it lives on the master, and moves with it. Pure.
 *
 * | its server       | mastership came by order | mastership was lost there                               |
 * |------------------|--------------------------|---------------------------------------------------------|
 * | up               | move in order            | hand mastership back, once it has shown itself; if that has been done before, or it does not take it: move in order |
 * | suspect          | wait                     | wait                                                    |
 * | down, isolated   | move once its grant is over                                                        ||
 *
 * F1 Nothing moves from a server that is missing before its grant is over: then what ran there has certainly ended.
 * F2 In order means: stopped there and confirmed, then moved and started here, as one operation.
 */
import type { ProcessType } from "@castellan/protocol";
import type { PlannedInstance, PlannerView } from "./plan.ts";
import type { Sights } from "./sights.ts";

export interface ForegroundView extends Pick<PlannerView, "masterId" | "instances"> {
  readonly types: ReadonlyMap<string, Pick<ProcessType, "layer">>;
  readonly sights: Sights;
  /** How the present epoch was taken. */
  readonly handover: "planned" | "unplanned";
  /** The server that mastership has been handed back to since a person last moved it. */
  readonly returnedTo: number | null;
  readonly grantsOver: ReadonlySet<number>;
  /** Servers that have been asked to take mastership back in this term, and how often. */
  readonly asked: ReadonlyMap<number, number>;
}

export type ForegroundDecision =
  | { readonly kind: "none" }
  /** Its server is missing, and its grant not known to be over. */
  | { readonly kind: "wait"; readonly home: number }
  | { readonly kind: "hand-back"; readonly home: number }
  /** `isConfirmed`: what ran there has ended already. */
  | {
      readonly kind: "move";
      readonly home: number;
      readonly instances: readonly PlannedInstance[];
      readonly isConfirmed: boolean;
    };

/** A server that does not take mastership back when it is asked so often does not want it. */
export const MOST_HAND_BACKS = 3;

export function decideForeground(view: ForegroundView): ForegroundDecision {
  const strays = straysOf(view);
  let waits: ForegroundDecision = { kind: "none" };
  for (const home of [...new Set(strays.map(({ serverId }) => serverId))].sort((a, b) => a - b)) {
    const instances = strays.filter(({ serverId }) => serverId === home);
    const decision = decideHome(home, instances, view);
    if (decision.kind !== "wait") return decision;
    waits = decision;
  }
  return waits;
}

function decideHome(home: number, instances: readonly PlannedInstance[], view: ForegroundView): ForegroundDecision {
  const sight = view.sights.get(home);
  const move = (isConfirmed: boolean): ForegroundDecision => ({ kind: "move", home, instances, isConfirmed });
  const wait: ForegroundDecision = { kind: "wait", home };
  switch (sight?.state ?? "down") {
    case "suspect":
      return wait;
    case "down":
    case "isolated":
      return view.grantsOver.has(home) ? move(true) : wait;
    case "up":
      if (view.handover === "planned") return move(false);
      if (!(sight?.hasShownItself ?? false)) return wait;
      if (view.returnedTo === home || (view.asked.get(home) ?? 0) >= MOST_HAND_BACKS) return move(false);
      return { kind: "hand-back", home };
  }
}

/** Foreground instances that are not on the master and can go there. Temporary ones end where they are. */
export function straysOf(view: Pick<ForegroundView, "masterId" | "instances" | "types">): readonly PlannedInstance[] {
  if (view.masterId === null) return [];
  const isForeground = ({ type }: PlannedInstance): boolean => view.types.get(type)?.layer === "foreground";
  const taken = new Set(
    view.instances
      .filter(({ serverId }) => serverId === view.masterId)
      .map(({ type, instance }) => `${type} ${instance}`),
  );
  return view.instances.filter(
    (one) =>
      one.serverId !== view.masterId &&
      one.persistent &&
      isForeground(one) &&
      !taken.has(`${one.type} ${one.instance}`),
  );
}
