/**
 * What the bus of a node needs next, so that its servers are those of the node and the events are stored where they outlast
 * the loss of one. One thing at a time, each of which may fail and is decided again from what is seen then. Pure.
 *
 * W1 A server that is to leave holds nothing any more before it is put out of the group.
 * W2 Nothing is given up before another server holds it: copies are made first, and the last one is never on a leaver.
 */

/** Where the events are. */
export interface StreamPlace {
  /** Null while there is none: nobody can say where it is then. */
  readonly leader: string | null;
  /** The others that hold it. */
  readonly replicas: readonly { readonly name: string; readonly isCurrent: boolean }[];
  /** How many are to hold it. */
  readonly copies: number;
}

export interface BusView {
  /** Servers that belong to the node and are not about to leave it. */
  readonly members: readonly string[];
  /** Null: no leader, nothing can be changed. */
  readonly group: { readonly leader: string; readonly peers: readonly string[] } | null;
  /** Null: there is no such stream yet. */
  readonly stream: StreamPlace | null;
}

export type BusStep =
  | { readonly kind: "nothing" }
  | { readonly kind: "copies"; readonly copies: number }
  /** Another holder leads the stream. */
  | { readonly kind: "streamStepDown" }
  /** Another server leads the group. */
  | { readonly kind: "groupStepDown" }
  | { readonly kind: "evict"; readonly peer: string };

/** With fewer servers each could not do without the others. */
const SERVERS_FOR_COPIES = 3;
const COPIES = 3;
const NOTHING: BusStep = { kind: "nothing" };

export function nextBusStep({ members, group, stream }: BusView): BusStep {
  if (group === null) return NOTHING;
  const stays = (name: string): boolean => members.includes(name);
  const peers = group.peers.filter(stays);
  const leavers = group.peers.filter((name) => !stays(name));
  // Nobody to go on with: this look is wrong, or the node is about to end.
  if (peers.length === 0) return NOTHING;
  const wanted = peers.length >= SERVERS_FOR_COPIES ? COPIES : 1;
  if (stream !== null) {
    const { leader, replicas, copies } = stream;
    if (leader === null) return NOTHING;
    const heirs = replicas.filter(({ name, isCurrent }) => isCurrent && stays(name));
    if (!stays(leader)) {
      if (heirs.length > 0) return { kind: "streamStepDown" };
      if (replicas.some(({ name }) => stays(name))) return NOTHING; // it is catching up
      if (copies < Math.min(COPIES, group.peers.length)) return { kind: "copies", copies: copies + 1 };
      // All three are to go: the copy of one is given to a server that stays.
      return putOut(
        leavers.find((name) => name !== leader),
        group.leader,
        stays,
      );
    }
    if (copies !== wanted) return { kind: "copies", copies: wanted };
    // What it holds beside others is given to another server with the eviction.
  }
  return putOut(leavers[0], group.leader, stays);
}

function putOut(leaver: string | undefined, groupLeader: string, stays: (name: string) => boolean): BusStep {
  if (leaver === undefined) return NOTHING;
  return stays(groupLeader) ? { kind: "evict", peer: leaver } : { kind: "groupStepDown" };
}
