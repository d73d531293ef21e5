/**
 * Taking mastership: a compare-and-swap on the one row that says who is master.
 *
 * M1 Every take-over makes a new, greater epoch; of several that read the same epoch one wins.
 * M2 In the same transaction the epoch goes into every open operation and every step that has not ended: from that moment
 *    no sentinel claims a step that only the earlier master knew of as it is, and the earlier master's writes are refused.
 * M3 Whether an ambiguous commit happened is told by the nonce, never guessed.
 */
import { CastellanError } from "@castellan/kernel";
import { type Gateway, type Row, StoreAmbiguous, StoreConflict, update, type Write } from "@castellan/store";
import { readMark, requireCounting } from "@castellan/store/copy";

export interface TakeOver {
  readonly serverId: number;
  /** New for each call; at most 64 characters. */
  readonly nonce: string;
  readonly now: Date;
  /** `planned`: by a person's word, with the earlier master alive. Default `unplanned`. */
  readonly handover?: Handover;
  /** Mastership returns to where it was lost: noted, so that it happens once. */
  readonly returns?: boolean;
  /** Only while this is the epoch: on evidence about its master. */
  readonly ifEpoch?: number | null;
  /** The highest epoch that was ever seen: with less, the schema is not what it was. */
  readonly highest?: number;
}

export type Handover = "planned" | "unplanned";

export type TakeOverResult =
  | { readonly kind: "master"; readonly epoch: number }
  /** Somebody else took it between our look and our write, or in the doubt about our own. */
  | { readonly kind: "lost"; readonly epoch: number; readonly masterId: number | null };

/** How often an ambiguous commit is tried again before the doubt is passed on. */
const ATTEMPTS = 3;

/**
 * Becomes master, whoever was it before. Throws `NOT_A_MEMBER` when the server has no row in `node_cluster`,
 * `NODE_MISSING` when the schema holds no node, `SCHEMA_MOVED` when it does not count any more, `EPOCH_BACKWARDS` when it shows an older epoch than was seen, and what the
 * gateway throws when it cannot be reached.
 */
export async function takeOver(gateway: Gateway, wanted: TakeOver): Promise<TakeOverResult> {
  const { serverId, nonce } = wanted;
  const before = await readMastership(gateway);
  if (before.epoch < (wanted.highest ?? 0)) throw epochBackwards(before.epoch, wanted.highest ?? 0);
  // After the epoch was read: a schema that is taken away later has another one then, and the guard misses.
  requireCounting("the schema", await readMark(gateway));
  const isOther = typeof wanted.ifEpoch === "number" && wanted.ifEpoch !== before.epoch;
  if (isOther) return { kind: "lost", epoch: before.epoch, masterId: before.master_id };
  const epoch = before.epoch + 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await gateway.commit(takeOverWrites(wanted, before.epoch));
      return { kind: "master", epoch };
    } catch (thrown) {
      if (thrown instanceof StoreConflict && thrown.index === MEMBER_WRITE) throw notAMember(serverId);
      if (!(thrown instanceof StoreConflict) && !(thrown instanceof StoreAmbiguous)) throw thrown;
      const after = await readMastership(gateway);
      if (after.nonce === nonce) return { kind: "master", epoch: after.epoch };
      if (after.epoch !== before.epoch) return { kind: "lost", epoch: after.epoch, masterId: after.master_id };
      // Not there yet: should it still arrive, the next attempt misses its guard and finds the nonce.
      if (attempt === ATTEMPTS) throw thrown;
    }
  }
}

export async function readMastership(gateway: Gateway): Promise<Row<"node_state">> {
  const [row] = await gateway.find("node_state", { where: { id: 1 } });
  if (row !== undefined) return row;
  throw new CastellanError("NODE_MISSING", "the schema holds no node yet; start a sentinel of it once");
}

/** Position of the write that needs the server to be a member. */
const MEMBER_WRITE = 2;

function takeOverWrites(wanted: TakeOver, readEpoch: number): Write[] {
  const { serverId, nonce, handover = "unplanned", returns = false } = wanted;
  const epoch = readEpoch + 1;
  const taken = { epoch, fence: { add: 1 }, master_id: serverId, nonce, handover };
  // A person's word begins anew; what is lost later may return once more.
  const returned = returns ? { returned_to: serverId } : handover === "planned" ? { returned_to: null } : {};
  return [
    update("node_state", { id: 1, epoch: readEpoch }, { ...taken, ...returned }),
    // The old flag first: the schema admits one.
    update("node_cluster", { master: true }, { master: false }, "any"),
    update("node_cluster", { logical_machine_id: serverId }, { master: true }),
    update("operation", { state: "open" }, { epoch }, "any"),
    update("operation_step", { state: { in: ["pending", "ready", "claimed"] } }, { epoch }, "any"),
  ];
}

/** The first write of every commit of a master: refused (`StoreConflict` at 0) once another has taken over. */
export function fence(epoch: number, change: { readonly state?: string; readonly changed_at?: Date } = {}): Write {
  return update("node_state", { id: 1, epoch }, { fence: { add: 1 }, ...change });
}

export function epochBackwards(shown: number, seen: number): CastellanError {
  return new CastellanError(
    "EPOCH_BACKWARDS",
    `the schema shows epoch ${shown}, but ${seen} has been seen: the database was restored, or failed over without its last ` +
      `commits. Nothing is done under an older epoch; when the schema is what it should be: castellan recover --epoch ${seen + 1}`,
    { details: { shown, seen } },
  );
}

export function notAMember(serverId: number): CastellanError {
  return new CastellanError(
    "NOT_A_MEMBER",
    `server ${serverId} is not a member of the node: add it with swadm add_server`,
    { details: { serverId } },
  );
}
