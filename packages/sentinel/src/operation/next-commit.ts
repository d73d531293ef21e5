/** What the operations under way need now, put together for one commit of the conductor. Reads; decides by pure functions. */
import type { Clock } from "@castellan/kernel";
import type { Gateway, Write } from "@castellan/store";
import { announcedStopOver } from "./forced-stop.ts";
import { closeWrites, readOpenOperations, waveWrites } from "./journal.ts";
import { type Closing, NO_CLOSINGS, withClosings } from "./lost.ts";
import { relocations } from "./move.ts";
import type { OpenOperation, OperationStep } from "./overlap.ts";
import type { ServerWatch } from "./server-watch.ts";
import { nextWave, type Wave } from "./wave.ts";

export interface NextCommit {
  readonly writes: readonly Write[];
  readonly now: Date;
  /** Steps that are waited for no longer. */
  readonly closings: readonly Closing[];
  readonly ended: readonly { readonly operation: OpenOperation; readonly wave: Wave }[];
  readonly stillOpen: readonly OpenOperation[];
  /** Steps that become ready by it. */
  readonly readied: readonly OperationStep[];
}

export interface NextCommitDeps {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly servers: ServerWatch;
  readonly onBroken: (what: string) => void;
  readonly epoch: number;
  readonly newId: () => string;
}

/** `withServers`: also looks at who is missing. */
export async function readNextCommit(
  { gateway, clock, servers, onBroken, epoch, newId }: NextCommitDeps,
  withServers: boolean,
): Promise<NextCommit> {
  const read = await readOpenOperations(gateway, onBroken);
  if (withServers) await servers.look();
  const closings = withServers ? await servers.closings(read) : NO_CLOSINGS;
  const open = read.map((operation) => withClosings(operation, closings.get(operation.id) ?? []));
  const moves = open.map((operation) => ({ operation, wave: nextWave(operation.steps) }));
  const now = clock.now();
  const ended = moves.filter(({ wave }) => wave.ended !== null);
  return {
    writes: [
      ...[...closings.values()].flatMap((closed) => closeWrites(closed, now)),
      ...moves.flatMap(({ operation, wave }) => waveWrites(operation, wave, now)),
      ...(await relocations(gateway, moves)),
      ...(await announcedStopOver(ended, { gateway, epoch, now, newId })),
    ],
    now,
    closings: [...closings.values()].flat(),
    ended,
    stillOpen: moves.filter(({ wave }) => wave.ended === null).map(({ operation }) => operation),
    readied: moves.flatMap(({ operation, wave }) => {
      const ready = new Set(wave.ready);
      return operation.steps.filter(({ seq }) => ready.has(seq));
    }),
  };
}
