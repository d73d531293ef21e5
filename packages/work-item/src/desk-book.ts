/**
 * The desk's hand in the shared schema: batches of alerts and users' actions as fenced commits.
 *
 * K1 Every commit begins with the fence: a desk whose epoch is over changes nothing (`Deposed`).
 * K2 What was read is guarded by versions and positions; when it has changed meanwhile, it is read and decided again.
 * K3 After a commit that may or may not have happened the positions are read again: they say which.
 * K4 An alert that the schema does not take is tried alone, then kept as a dead letter.
 */
import { CastellanError, type Clock, ensureError, type Logger } from "@castellan/kernel";
import { type Gateway, StoreAmbiguous, StoreConflict, StoreDuplicate, update, type Write } from "@castellan/store";
import {
  type BatchPlan,
  causeOf,
  type DeskView,
  itemWrites,
  type OutboxPlace,
  placeKey,
  planBatch,
} from "./desk-batch.ts";
import { type ItemRow, releaseItem, storable } from "./desk-decision.ts";
import type { AlertDelivery } from "./ports.ts";

/** Another epoch rules: this desk has to end. */
export class Deposed extends CastellanError {
  constructor(epoch: number) {
    super("DEPOSED", `epoch ${epoch} is over`, { details: { epoch } });
  }
}

export interface DeskBookDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

export interface BatchResult {
  readonly confirmed: readonly OutboxPlace[];
  readonly missing: readonly OutboxPlace[];
  readonly applied: number;
  readonly deadLetters: number;
}

export interface DeskBook {
  /** Rejects with `Deposed`, or with a retryable error when the database is away: then deliver the batch again. */
  apply(deliveries: readonly AlertDelivery[]): Promise<BatchResult>;
  /** Rejects with `NO_SUCH_ITEM`, `NOT_OPEN`, `LOCKED`, `Deposed`, or a retryable error. */
  release(caseNumber: number, by: string, note: string | null): Promise<ItemRow>;
  /** Fenced writes of any kind. */
  commit(writes: readonly Write[]): Promise<void>;
}

/** How often a decision is made again because the rows have changed under it. */
const ATTEMPTS = 5;

export function createDeskBook({ clock, epoch, gateway, log }: DeskBookDeps): DeskBook {
  /** The desk is the only one who numbers cases, so the highest is read once; after any failure it is read again. */
  let nextCase: number | null = null;

  async function commit(writes: readonly Write[]): Promise<void> {
    try {
      await gateway.commit([update("node_state", { id: 1, epoch }, { fence: { add: 1 } }), ...writes]);
    } catch (thrown) {
      nextCase = null;
      throw thrown instanceof StoreConflict && thrown.index === 0 ? new Deposed(epoch) : thrown;
    }
  }

  async function view(deliveries: readonly AlertDelivery[]): Promise<DeskView> {
    const outboxes = distinct(
      deliveries.map(({ alert, ...rest }) => alert?.outbox ?? ("place" in rest ? rest.place?.outbox : undefined)),
    );
    const causes = distinct(deliveries.map(({ alert }) => (alert === null ? undefined : causeOf(alert))));
    const [positions, open] = await Promise.all([
      outboxes.length === 0 ? [] : gateway.find("outbox_position", { where: { outbox: { in: outboxes } } }),
      causes.length === 0 ? [] : gateway.find("work_item", { where: { open_cause: { in: causes } } }),
    ]);
    if (nextCase === null) {
      const [highest] = await gateway.find("work_item", {
        orderBy: [{ column: "case_number", descending: true }],
        limit: 1,
      });
      nextCase = (highest?.case_number ?? 0) + 1;
    }
    return {
      positions: new Map(positions.map((row) => [placeKey(row.server_name, row.outbox), row.number])),
      open: new Map(open.map((item) => [item.cause, item])),
      nextCase,
    };
  }

  async function attempt(deliveries: readonly AlertDelivery[], refuse: string | null): Promise<BatchPlan> {
    for (let left = ATTEMPTS; ; left -= 1) {
      try {
        const plan = planBatch(deliveries, await view(deliveries), clock.now(), refuse);
        if (plan.writes.length > 0) await commit(plan.writes);
        nextCase = plan.nextCase;
        return plan;
      } catch (thrown) {
        const changed =
          thrown instanceof StoreConflict || thrown instanceof StoreDuplicate || thrown instanceof StoreAmbiguous;
        if (!changed || left <= 1) throw thrown;
      }
    }
  }

  async function applyAlone(delivery: AlertDelivery): Promise<BatchPlan> {
    try {
      return await attempt([delivery], null);
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
      const error = ensureError(thrown);
      log.error("an alert cannot be stored and is kept as a dead letter", { alert: delivery.alert?.id, error });
      return attempt([delivery], error.message);
    }
  }

  return {
    commit,
    async apply(deliveries) {
      try {
        return await attempt(deliveries, null);
      } catch (thrown) {
        if (isPassing(thrown)) throw thrown;
        log.warn("a batch of alerts cannot be stored as a whole; trying one by one", { error: ensureError(thrown) });
      }
      const results: BatchPlan[] = [];
      for (const delivery of deliveries) results.push(await applyAlone(delivery));
      return merge(results);
    },
    async release(caseNumber, by, note) {
      for (let left = ATTEMPTS; ; left -= 1) {
        const [item] = await gateway.find("work_item", { where: { case_number: caseNumber } });
        const open = mayRelease(item, caseNumber, by);
        const step = releaseItem(open, by, note === null ? null : storable(note), clock.now());
        try {
          await commit(itemWrites({ versionBefore: open.row_version, item: step.item, history: [step.history] }));
          return step.item;
        } catch (thrown) {
          if (thrown instanceof StoreAmbiguous && (await isThere(gateway, step.history, by))) return step.item;
          if (!(thrown instanceof StoreConflict || thrown instanceof StoreDuplicate) || left <= 1) throw thrown;
        }
      }
    },
  };
}

/** A failure that says nothing about the alerts themselves. */
function isPassing(thrown: unknown): boolean {
  return thrown instanceof Deposed || (thrown instanceof CastellanError && thrown.retryable);
}

function mayRelease(item: ItemRow | undefined, caseNumber: number, by: string): ItemRow {
  const details = { caseNumber };
  if (item === undefined) throw new CastellanError("NO_SUCH_ITEM", `there is no work item ${caseNumber}`, { details });
  if (item.open_cause === null) {
    throw new CastellanError("NOT_OPEN", `work item ${caseNumber} is ${item.state} already`, { details });
  }
  if (item.locked_by !== null && item.locked_by !== by) {
    throw new CastellanError("LOCKED", `work item ${caseNumber} is locked by ${item.locked_by}`, {
      details: { ...details, lockedBy: item.locked_by },
    });
  }
  return item;
}

/** Whether that very line of history was written. */
async function isThere(
  gateway: Gateway,
  line: { case_number: number; seq: number; what: string },
  by: string,
): Promise<boolean> {
  const { case_number, seq, what } = line;
  return (await gateway.find("work_item_event", { where: { case_number, seq, what, by_user: by } })).length > 0;
}

const distinct = (texts: readonly (string | undefined)[]): string[] => [
  ...new Set(texts.filter((text) => text !== undefined)),
];

const lastOfEach = (places: readonly OutboxPlace[]): OutboxPlace[] => [
  ...new Map(places.map((place) => [placeKey(place.origin, place.outbox), place])).values(),
];

/** The results of single deliveries as that of their batch: the last word about each outbox counts. */
function merge(plans: readonly BatchPlan[]): BatchResult {
  return {
    confirmed: lastOfEach(plans.flatMap(({ confirmed }) => confirmed)),
    missing: lastOfEach(plans.flatMap(({ missing }) => missing)),
    applied: plans.reduce((sum, { applied }) => sum + applied, 0),
    deadLetters: plans.reduce((sum, { deadLetters }) => sum + deadLetters, 0),
  };
}
