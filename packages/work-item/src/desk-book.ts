/**
 * The desk's hand in the shared schema: batches of alerts as fenced commits.
 *
 * K1 Every commit begins with the fence: a desk whose epoch is over changes nothing (`Deposed`).
 * K2 What was read is guarded by versions and positions; when it has changed meanwhile, it is read and decided again.
 * K3 After a commit that may or may not have happened the positions are read again: they say which.
 * K4 Dead letters are removed as fast as they come, beyond a number: whoever may publish may publish anything.
 * K5 An alert that the schema does not take is tried alone, then kept as a dead letter.
 */
import { CastellanError, type Clock, ensureError, type Logger } from "@castellan/kernel";
import type { NumberedAlert } from "@castellan/protocol";
import {
  excessLetters,
  type Gateway,
  SchemaError,
  StoreAmbiguous,
  StoreConflict,
  StoreDuplicate,
  type Write,
} from "@castellan/store";
import {
  type BatchOptions,
  type BatchPlan,
  causeOf,
  type DeskView,
  type OutboxPlace,
  placeKey,
  planBatch,
} from "./desk-batch.ts";
import { Deposed, type FencedCommit } from "./fenced-commit.ts";
import type { ItemRow, Queues } from "./item-line.ts";
import type { AlertDelivery } from "./ports.ts";

export interface DeskBookDeps {
  readonly gateway: Gateway;
  readonly commit: FencedCommit;
  readonly queues: () => Promise<Queues>;
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
  /** Applies one alert that is in no outbox any more, together with other writes. Rejects with what the schema says. */
  applyOne(alert: NumberedAlert, requestId: string, also: readonly Write[]): Promise<void>;
}

/** How often a decision is made again because the rows have changed under it. */
export const ATTEMPTS = 5;
/** Dead letters between two looks whether they are too many; fewer than one look removes. */
const LETTERS_BETWEEN = 250;

export function createDeskBook({ clock, commit, gateway, log, queues }: DeskBookDeps): DeskBook {
  /** The desk is the only one who numbers cases, so the highest is read once; after any failure it is read again. */
  let nextCase: number | null = null;
  let lettersSince = 0;

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
    const known = new Map(open.map((item) => [item.cause, item]));
    return {
      positions: new Map(positions.map((row) => [placeKey(row.server_name, row.outbox), row.last_number])),
      open: known,
      silenced: await silenced(causes.filter((cause) => !known.has(cause))),
      queues: await queues(),
      nextCase,
    };
  }

  async function silenced(causes: readonly string[]): Promise<ReadonlyMap<string, ItemRow>> {
    if (causes.length === 0) return new Map();
    const items = await gateway.find("work_item", {
      where: { cause: { in: causes }, silenced_until: { above: clock.now() } },
      orderBy: [{ column: "case_number" }],
    });
    return new Map(items.map((item) => [item.cause, item])); // the last item of a cause wins
  }

  async function attempt(
    deliveries: readonly AlertDelivery[],
    options: BatchOptions = {},
    also: readonly Write[] = [],
  ): Promise<BatchPlan> {
    for (let left = ATTEMPTS; ; left -= 1) {
      try {
        const plan = planBatch(deliveries, await view(deliveries), clock.now(), options);
        if (plan.writes.length > 0 || also.length > 0) await commit([...plan.writes, ...also]);
        nextCase = plan.nextCase;
        return plan;
      } catch (thrown) {
        nextCase = null;
        const changed =
          thrown instanceof StoreConflict || thrown instanceof StoreDuplicate || thrown instanceof StoreAmbiguous;
        if (!changed || left <= 1) throw thrown;
      }
    }
  }

  async function applyAlone(delivery: AlertDelivery): Promise<BatchPlan> {
    try {
      return await attempt([delivery]);
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
      const error = ensureError(thrown);
      log.error("an alert cannot be stored and is kept as a dead letter", { alert: delivery.alert?.id, error });
      return attempt([delivery], { refuse: error.message });
    }
  }

  async function applyAll(deliveries: readonly AlertDelivery[]): Promise<BatchResult> {
    try {
      return await attempt(deliveries);
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
      log.warn("a batch of alerts cannot be stored as a whole; trying one by one", { error: ensureError(thrown) });
    }
    const results: BatchPlan[] = [];
    for (const delivery of deliveries) results.push(await applyAlone(delivery));
    return merge(results);
  }

  /** Never rejects: the batch is recorded by now. */
  async function boundLetters(more: number): Promise<void> {
    lettersSince += more;
    if (lettersSince < LETTERS_BETWEEN) return;
    lettersSince = 0;
    try {
      const excess = await excessLetters(gateway);
      if (excess !== null) await commit([excess]);
    } catch (thrown) {
      log.warn("old dead letters are not removed now", { error: ensureError(thrown) });
    }
  }

  return {
    async apply(deliveries) {
      const result = await applyAll(deliveries);
      await boundLetters(result.deadLetters);
      return result;
    },
    async applyOne(alert, requestId, also) {
      await attempt([{ origin: null, oldest: null, alert }], { requestId }, also);
    },
  };
}

/** A failure that says nothing about the alerts themselves. */
export function isPassing(thrown: unknown): boolean {
  if (thrown instanceof Deposed || thrown instanceof SchemaError) return true;
  return thrown instanceof CastellanError && thrown.retryable;
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
