/**
 * Which start of a server's worker counts. Every start takes the next number; whatever an earlier one still tries to write
 * misses its guard. Decided by compare-and-swap, an ambiguous commit is recognised by its nonce.
 */
import { CastellanError } from "@castellan/kernel";
import {
  type Gateway,
  insert,
  insertIfAbsent,
  type Row,
  StoreAmbiguous,
  StoreConflict,
  StoreDuplicate,
  update,
  type Write,
} from "@castellan/store";
import { notAMember } from "./mastership.ts";

export interface TakeIncarnation {
  readonly serverId: number;
  /** New for each call; at most 64 characters. */
  readonly nonce: string;
  /** Release of the program that starts. */
  readonly program: string;
  readonly now: Date;
}

/** How many others may come first, or commits stay in doubt, before one gives up. */
const ATTEMPTS = 5;

/**
 * The number of this start, from 1. Throws `NOT_A_MEMBER` without a row in `node_cluster`, `INCARNATION_CONTESTED`
 * (retryable) when others keep coming first, and what the gateway throws when it cannot be reached.
 */
export async function takeIncarnation(gateway: Gateway, claim: TakeIncarnation): Promise<number> {
  const { serverId, nonce } = claim;
  const [member] = await gateway.find("node_cluster", { where: { logical_machine_id: serverId } });
  if (member === undefined) throw notAMember(serverId);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [row] = await gateway.find("sentinel", { where: { logical_machine_id: serverId } });
    if (row?.nonce === nonce) return row.incarnation;
    const incarnation = (row?.incarnation ?? 0) + 1;
    try {
      await gateway.commit([claimWrite(claim, row), ...programWrites(claim, incarnation)]);
      return incarnation;
    } catch (thrown) {
      const again =
        thrown instanceof StoreConflict || thrown instanceof StoreDuplicate || thrown instanceof StoreAmbiguous;
      if (!again) throw thrown;
    }
  }
  const [row] = await gateway.find("sentinel", { where: { logical_machine_id: serverId } });
  if (row?.nonce === nonce) return row.incarnation;
  throw new CastellanError(
    "INCARNATION_CONTESTED",
    `other workers of server ${serverId} keep starting: is the same server configured on two hosts?`,
    { retryable: true, details: { serverId } },
  );
}

function claimWrite({ serverId, nonce, now }: TakeIncarnation, row: Row<"sentinel"> | undefined): Write {
  if (row === undefined) {
    return insert("sentinel", {
      logical_machine_id: serverId,
      incarnation: 1,
      nonce,
      started_at: now,
      last_seen_at: now,
      ended_at: null,
    });
  }
  return update(
    "sentinel",
    { logical_machine_id: serverId, incarnation: row.incarnation },
    { incarnation: row.incarnation + 1, nonce, started_at: now, last_seen_at: now, ended_at: null },
  );
}

/** In the same commit: what an incarnation is said to run is what took it. */
function programWrites({ serverId, program }: TakeIncarnation, incarnation: number): Write[] {
  const said = { incarnation, program_version: program };
  return [
    insertIfAbsent("sentinel_program", { logical_machine_id: serverId, ...said }),
    update("sentinel_program", { logical_machine_id: serverId }, said),
  ];
}

/** For every commit of a sentinel about its own server: refused (`StoreConflict`) once a later worker has started. */
export function stillCurrent(serverId: number, incarnation: number, now: Date): Write {
  return update("sentinel", { logical_machine_id: serverId, incarnation }, { last_seen_at: now });
}

/** The last thing a sentinel writes that ends in order: it will not be missed. */
export function hasEnded(serverId: number, incarnation: number, now: Date): Write {
  return update("sentinel", { logical_machine_id: serverId, incarnation }, { last_seen_at: now, ended_at: now });
}
