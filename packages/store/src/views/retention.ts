/**
 * What the shared schema forgets, and when: the tables that only grow are kept within bounds, a few rows at a time.
 *
 * R1 Each step is one small commit behind the caller's guard (the fence of a master): nobody waits long for its locks, and
 *    whoever does not rule any more removes nothing.
 * R2 What somebody still needs stays, however old: events that have not been seen to, lines not yet published, open
 *    operations, open items, items whose cause is silenced, the item with the highest number (numbers are not used again).
 * R3 What strangers can make, dead letters, is bounded by number too.
 * R4 An item goes with its whole history; of one that stays open, the lines of people and the last lines of its alerts are kept.
 */
import { type Gateway, prune, remove, type Write } from "../gateway.ts";
import type { Row, TableName } from "../schema/tables.ts";

/** Days that ended things are kept. */
export const KEPT_DAYS = {
  process_event_log: 30,
  operation: 90,
  work_item: 180,
  alert_dead_letter: 180,
  audit_log: 365,
} as const;

/**
 * Why each table stays within bounds. A table that is not here does not compile; one that says `old` is looked for by a test.
 */
export const GROWTH: Readonly<Record<TableName, "old" | { readonly bounded: string }>> = {
  process_event_log: "old",
  operation: "old",
  operation_step: "old",
  work_item: "old",
  work_item_event: "old",
  alert_dead_letter: "old",
  audit_log: "old",
  outbox_position: "old",
  sentinel_program: "old",
  member_address: "old",
  nodes: { bounded: "one row" },
  node_state: { bounded: "one row" },
  forced_stop: { bounded: "one row at most" },
  schema_move: { bounded: "one row at most" },
  node_parameter: { bounded: "a row for each word that must be equal everywhere" },
  node_cluster: { bounded: "a row for each server, taken away with it" },
  server_state: { bounded: "a row for each server, taken away with it" },
  sentinel: { bounded: "a row for each server, taken away with it" },
  server_grant: { bounded: "a row for each server, taken away with it" },
  process_type: { bounded: "defined by people" },
  work_queue: { bounded: "defined by people" },
  process_attributes: { bounded: "set by people, taken away with what they are for" },
  process_config: { bounded: "a row for each instance; temporary ones go when they have ended" },
  running_processes: { bounded: "a row for each instance that runs" },
  process_number: { bounded: "a row for each type on each server, taken away with the server" },
  active_logins: { bounded: "written by nobody yet; goes with its server" },
};
/** Lines of alerts kept in the history of an item that stays open. */
export const KEPT_ALERT_LINES = 1000;
/** Dead letters kept, the latest, and those of the same moment as the last of them. */
export const KEPT_LETTERS = 1000;

/** Rows of one commit. */
const BATCH = 500;
/** Operations, or items, looked at in one step. */
const HEADS = 50;
const DAY_MS = 24 * 60 * 60 * 1000;

type Step = (forget: Forgetting) => Promise<number>;

interface Forgetting {
  readonly gateway: Gateway;
  readonly now: Date;
  /** Commits behind the guard; answers how many rows went. */
  readonly commit: (write: Write) => Promise<number>;
  /** Before then, what belongs to `table` may go. */
  readonly limit: (table: keyof typeof KEPT_DAYS) => Date;
}

/**
 * One round over all tables. Answers how many rows went: 0 = there is nothing more to forget for now. Throws what the
 * gateway throws, a `StoreConflict` with index 0 when the guard misses.
 */
export async function forgetOld(gateway: Gateway, guard: () => Write, now: Date): Promise<number> {
  const forgetting: Forgetting = {
    gateway,
    now,
    async commit(write) {
      const [, gone = 0] = await gateway.commit([guard(), write]);
      return gone;
    },
    limit: (table) => new Date(now.getTime() - KEPT_DAYS[table] * DAY_MS),
  };
  let gone = 0;
  for (const step of STEPS) gone += await step(forgetting);
  return gone;
}

/** A commit that would find nothing is not worth its fence. */
async function whileThere(old: readonly unknown[], forget: () => Promise<number>): Promise<number> {
  return old.length === 0 ? 0 : await forget();
}

const forgetEvents: Step = async ({ gateway, commit, limit }) => {
  const where = { timestamp: { below: limit("process_event_log") }, followed: true };
  const old = await gateway.find("process_event_log", { where, limit: 1 });
  return whileThere(old, () => commit(prune("process_event_log", where, BATCH)));
};

const forgetLetters: Step = async ({ gateway, commit, limit }) => {
  const where = { happened_at: { below: limit("alert_dead_letter") } };
  const old = await gateway.find("alert_dead_letter", { where, limit: 1 });
  return whileThere(old, () => commit(prune("alert_dead_letter", where, BATCH)));
};

/** A part of the dead letters that are too many; null when they are not. For the desk too: letters may come fast. */
export async function excessLetters(gateway: Pick<Gateway, "find">): Promise<Write | null> {
  const [last] = await gateway.find("alert_dead_letter", {
    orderBy: [{ column: "happened_at", descending: true }],
    skip: KEPT_LETTERS - 1,
    limit: 1,
  });
  if (last === undefined) return null;
  const where = { happened_at: { below: last.happened_at } };
  const [first] = await gateway.find("alert_dead_letter", { where, limit: 1 });
  return first === undefined ? null : prune("alert_dead_letter", where, BATCH);
}

const forgetExcessLetters: Step = async ({ gateway, commit }) => {
  const excess = await excessLetters(gateway);
  return excess === null ? 0 : await commit(excess);
};

const forgetAudit: Step = async ({ gateway, commit, limit }) => {
  const where = { happened_at: { below: limit("audit_log") } };
  const old = await gateway.find("audit_log", { where, limit: 1 });
  return whileThere(old, () => commit(prune("audit_log", where, BATCH)));
};

const forgetOperations: Step = async ({ gateway, commit, limit }) => {
  const old = await gateway.find("operation", {
    where: { finished_at: { below: limit("operation") }, state: { not: "open" } },
    orderBy: [{ column: "finished_at" }],
    limit: HEADS,
  });
  const ids = old.map(({ id }) => id);
  return whileThere(ids, async () => {
    const steps = await commit(prune("operation_step", { operation_id: { in: ids } }, BATCH));
    // Some may be left: the operations go when all their steps have gone.
    return steps < BATCH ? steps + (await commit(remove("operation", { id: { in: ids } }))) : steps;
  });
};

const forgetItems: Step = async (forgetting) => {
  const ids = await itemsToForget(forgetting);
  return whileThere(ids, async () => {
    const lines = await forgetting.commit(prune("work_item_event", { case_number: { in: ids } }, BATCH));
    if (lines === BATCH) return lines;
    return lines + (await forgetting.commit(remove("work_item", { case_number: { in: ids } })));
  });
};

/** The first old items that may go, however many before them may not. */
async function itemsToForget({ gateway, limit, now }: Forgetting): Promise<number[]> {
  const before = limit("work_item");
  const [newest] = await gateway.find("work_item", {
    orderBy: [{ column: "case_number", descending: true }],
    limit: 1,
  });
  for (let after = 0; ; ) {
    const where = { open_cause: null, last_seen: { below: before }, case_number: { above: after } };
    const closed = await gateway.find("work_item", { where, limit: HEADS });
    const quiet = closed.filter(
      ({ case_number, silenced_until }) =>
        case_number !== newest?.case_number && (silenced_until === null || silenced_until < now),
    );
    const ids = await withoutRecentLines(gateway, quiet, before);
    const last = closed.at(-1);
    if (ids.length > 0 || last === undefined) return ids;
    after = last.case_number;
  }
}

/** What happened to an item last may be much later than its last alert. */
async function withoutRecentLines(
  gateway: Gateway,
  items: readonly Row<"work_item">[],
  before: Date,
): Promise<number[]> {
  const numbers = items.map(({ case_number }) => case_number);
  if (numbers.length === 0) return [];
  const [recent, unpublished] = await Promise.all([
    gateway.find("work_item_event", { where: { case_number: { in: numbers }, happened_at: { above: before } } }),
    gateway.find("work_item_event", { where: { case_number: { in: numbers }, published: false } }),
  ]);
  const needed = new Set([...recent, ...unpublished].map(({ case_number }) => case_number));
  return numbers.filter((number) => !needed.has(number));
}

/** Versions number the lines, so only an item with many versions can have many lines. */
const forgetLines: Step = async ({ gateway, commit }) => {
  const busy = await gateway.find("work_item", {
    where: { open_cause: { not: null }, row_version: { above: KEPT_ALERT_LINES } },
  });
  let gone = 0;
  for (const { case_number, row_version } of busy) {
    const where = {
      case_number,
      seq: { below: row_version - KEPT_ALERT_LINES },
      alert_id: { not: null },
      published: true,
    };
    const old = await gateway.find("work_item_event", { where, limit: 1 });
    gone += await whileThere(old, () => commit(prune("work_item_event", where, BATCH)));
  }
  return gone;
};

/** Where outboxes were whose server has been taken out: nobody sends from them any more. */
const forgetPositions: Step = async ({ gateway, commit }) => {
  const [positions, servers] = await Promise.all([gateway.find("outbox_position"), gateway.find("node_cluster")]);
  const names = new Set(servers.map(({ physical_machine_name }) => physical_machine_name));
  const gone = [...new Set(positions.map(({ server_name }) => server_name))].filter((name) => !names.has(name));
  return whileThere(gone, () => commit(prune("outbox_position", { server_name: { in: gone } }, BATCH)));
};

/** A row for each server, taken away with it; but release 0.1.0, which knows nothing of these tables, leaves them behind. */
const LEFT_BEHIND = ["sentinel_program", "member_address"] as const;

const forgetServers: Step = async ({ gateway, commit }) => {
  let gone = 0;
  for (const table of LEFT_BEHIND) {
    const rows = await gateway.find(table);
    // Read after them: who has just come is in it.
    const servers = new Set((await gateway.find("node_cluster")).map((row) => row.logical_machine_id));
    const ids = rows.map((row) => row.logical_machine_id).filter((id) => !servers.has(id));
    gone += await whileThere(ids, () => commit(prune(table, { logical_machine_id: { in: ids } }, BATCH)));
  }
  return gone;
};

const STEPS: readonly Step[] = [
  forgetEvents,
  forgetLetters,
  forgetExcessLetters,
  forgetAudit,
  forgetOperations,
  forgetItems,
  forgetLines,
  forgetPositions,
  forgetServers,
];
