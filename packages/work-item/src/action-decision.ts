/**
 * What a user's action does to a work item: a pure function over a total table. `do` changes it, `same`: it is so already,
 * a code refuses.
 *
 * A1 What is held by somebody is changed by nobody else; only notes and acknowledgements are welcome from all, and a lock
 *    may be broken openly.
 * A2 Whatever is done adds one line of history with who, when, from where and the id of the request.
 */
import type { AskOf } from "@castellan/actor";
import type { Desk } from "@castellan/protocol";
import type { WorkItemChange } from "@castellan/protocol/words";
import { CLOSED, type ItemRow, type ItemStep, nextStep, type Queues, severityOf } from "./item-line.ts";
import { deadlineIn, dueAt, isQueue, mayWorkOn } from "./queues.ts";

export type Action = Extract<AskOf<typeof Desk>, { readonly caseNumber: number }>;

/** How an item stands towards whoever acts. */
export type Standing = "new" | "kept" | "mine" | "theirs" | "released" | "resolved";
export type RefusalCode = "LOCKED" | "NOT_LOCKED" | "NOT_OPEN" | "NOT_PERMITTED" | "UNKNOWN_QUEUE";
type Verdict = "do" | "same" | RefusalCode;

const OVER = { released: "NOT_OPEN", resolved: "NOT_OPEN" } as const;
const UNLESS_HELD = { new: "do", kept: "do", mine: "do", theirs: "LOCKED", ...OVER } as const;
const FREE = { new: "NOT_LOCKED", kept: "NOT_LOCKED" } as const;

export const VERDICTS: Readonly<Record<Action["type"], Readonly<Record<Standing, Verdict>>>> = {
  Open: { ...UNLESS_HELD, mine: "same" },
  Keep: { ...UNLESS_HELD, kept: "same" },
  Undo: { ...UNLESS_HELD, ...FREE },
  BreakLock: { ...UNLESS_HELD, ...FREE, theirs: "do" },
  Release: UNLESS_HELD,
  Forward: UNLESS_HELD,
  Assign: UNLESS_HELD,
  Silence: { ...UNLESS_HELD, released: "do" },
  Acknowledge: { ...UNLESS_HELD, theirs: "do" },
  Note: { new: "do", kept: "do", mine: "do", theirs: "do", released: "do", resolved: "do" },
};

export type ActionDecision =
  | ({ readonly kind: "step" } & ItemStep)
  | { readonly kind: "unchanged" }
  | { readonly kind: "refused"; readonly code: RefusalCode };

export function standingOf(item: ItemRow, user: string): Standing {
  if (item.open_cause === null) return item.state === "released" ? "released" : "resolved";
  if (item.locked_by !== null) return item.locked_by === user ? "mine" : "theirs";
  return item.state === "kept" ? "kept" : "new";
}

export function decideAction(item: ItemRow, action: Action, queues: Queues, now: Date): ActionDecision {
  const { by } = action;
  if (!mayWorkOn(queues, item, by)) return { kind: "refused", code: "NOT_PERMITTED" };
  const verdict = VERDICTS[action.type][standingOf(item, by)];
  if (verdict !== "do" && verdict !== "same") return { kind: "refused", code: verdict };
  if (action.type === "Forward" && "queue" in action.to && !isQueue(queues, action.to.queue)) {
    return { kind: "refused", code: "UNKNOWN_QUEUE" };
  }
  const effect = verdict === "same" ? null : effectOf(item, action, queues, now);
  const note = action.note ?? null;
  if (effect === null && note === null) return { kind: "unchanged" };
  const { what, change, says } = effect ?? NOTED;
  const told = [says, note].filter((text) => text !== null).join(": ");
  const why = { by, station: action.station, note: told === "" ? null : told, requestId: action.requestId, now };
  return { kind: "step", ...nextStep(item, change, what, why) };
}

interface Effect {
  readonly what: WorkItemChange;
  readonly change: Partial<ItemRow>;
  /** Goes before the user's own note. */
  readonly says: string | null;
}

/** Null: it is so already. */
function effectOf(item: ItemRow, action: Action, queues: Queues, now: Date): Effect | null {
  switch (action.type) {
    case "Open":
      return effect("opened", { state: "open", locked_by: action.by, state_before: item.state });
    case "Keep":
      return effect("kept", { state: "kept", ...UNLOCKED });
    case "Undo":
      return effect("undone", { state: item.state_before ?? "new", ...UNLOCKED });
    case "BreakLock":
      return effect("lock-broken", { state: item.state_before ?? "new", ...UNLOCKED }, `of ${item.locked_by}`);
    case "Release":
      return effect("released", { state: "released", ...CLOSED });
    case "Forward":
      return forward(item, action.to, queues, now);
    case "Note":
      return NOTED;
    case "Acknowledge":
      if (item.acknowledged_by !== null) return null;
      return effect("acknowledged", { acknowledged_by: action.by, due_at: null });
    case "Assign":
      if (item.assigned_to === action.to) return null;
      return effect("assigned", { assigned_to: action.to }, `to ${action.to ?? "nobody"}`);
    case "Silence":
      return silence(item, action.forMs, now);
  }
}

const UNLOCKED = { locked_by: null, state_before: null } as const;
const effect = (what: WorkItemChange, change: Partial<ItemRow>, says: string | null = null): Effect => ({
  what,
  change,
  says,
});
const NOTED: Effect = effect("noted", {});

function forward(
  item: ItemRow,
  to: Extract<Action, { type: "Forward" }>["to"],
  queues: Queues,
  now: Date,
): Effect | null {
  const user = "user" in to ? to.user : null;
  const queue = "user" in to ? to.user : to.queue;
  if (queue === item.queue_name && user === item.assigned_to) return null;
  return effect("forwarded", { ...arrivalIn(item, queue, queues, now), assigned_to: user }, `to ${queue}`);
}

/** It is new there: nobody has seen it yet. */
export function arrivalIn(item: ItemRow, queue: string, queues: Queues, now: Date): Partial<ItemRow> {
  const deadline = deadlineIn(queues, queue, severityOf(item.severity), now);
  return {
    queue_name: queue,
    state: "new",
    ...UNLOCKED,
    assigned_to: null,
    acknowledged_by: null,
    deadline,
    due_at: dueAt(deadline, item.silenced_until),
    escalated: false,
  };
}

function silence(item: ItemRow, forMs: number | null, now: Date): Effect | null {
  const until = forMs === null ? null : new Date(now.getTime() + forMs);
  if (until === null && (item.silenced_until === null || item.silenced_until.getTime() <= now.getTime())) return null;
  const due_at = item.due_at === null ? null : dueAt(item.deadline, until);
  return until === null
    ? effect("unsilenced", { silenced_until: null, due_at })
    : effect("silenced", { silenced_until: until, due_at }, `until ${until.toISOString()}`);
}
