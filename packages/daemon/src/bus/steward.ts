/**
 * The master looks after the bus that the servers of its node keep: looks every few seconds who belongs to it and where the
 * events are, and takes the next step (`steward-decision.ts`). Whoever was to leave and holds nothing any more is told so by
 * its row: it may end its NATS server then.
 */
import { type Clock, ensureError, type Logger, sleep } from "@castellan/kernel";
import type { Subjects } from "@castellan/protocol";
import { type Gateway, remove, update } from "@castellan/store";
import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "nats";
import type { SystemAccount } from "../nats-server/system-account.ts";
import { type BusStep, type BusView, nextBusStep, type StreamPlace } from "./steward-decision.ts";

export interface StewardDeps {
  readonly gateway: Gateway;
  /** Null before the first connection. */
  readonly connection: () => NatsConnection | null;
  /** Opened for a look, and closed after it. */
  readonly openSystem: () => Promise<SystemAccount>;
  /** The epoch in which this server is master; null: it is not. */
  readonly epoch: () => number | null;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two looks when there is nothing to do, and after a step, milliseconds. */
const LOOK_MS = 5000;
const NEXT_MS = 250;
/** Somebody waits for a server that is to leave. */
const LEAVING_LOOK_MS = 1000;
const ASK_MS = 2000;
const STREAM_NOT_FOUND = 10_059;

/** Ends when `close` is called, which waits for the step under way. */
export function startSteward(deps: StewardDeps): { close(): Promise<void> } {
  const { clock, log } = deps;
  const ending = new AbortController();
  const work = async (): Promise<void> => {
    let failed = false;
    while (!ending.signal.aborted) {
      let pauseMs = LOOK_MS;
      const epoch = deps.epoch();
      if (epoch !== null) {
        try {
          pauseMs = await look(deps, epoch);
          failed = false;
        } catch (thrown) {
          if (!failed) log.warn("the servers of the bus cannot be looked after now", { error: ensureError(thrown) });
          failed = true;
        }
      }
      await sleep(clock, pauseMs, ending.signal);
    }
  };
  const working = work();
  return {
    async close() {
      ending.abort();
      await working;
    },
  };
}

/** Answers when to look again, milliseconds. */
async function look(deps: StewardDeps, epoch: number): Promise<number> {
  const { gateway, log } = deps;
  const connection = deps.connection();
  if (connection === null) return LOOK_MS;
  const [servers, addresses] = await Promise.all([gateway.find("node_cluster"), gateway.find("member_address")]);
  const leaving = addresses.filter((row) => row.leaving);
  const isLeaving = (id: number): boolean => leaving.some((row) => row.logical_machine_id === id);
  const members = servers
    .filter((row) => !isLeaving(row.logical_machine_id))
    .map((row) => row.physical_machine_name.toLowerCase());
  const system = await deps.openSystem();
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: ASK_MS });
    const { leader, peers } = await system.metaGroup();
    const view: BusView = {
      members,
      group: leader === null ? null : { leader, peers },
      stream: await placeOf(manager, deps.subjects.eventsStream),
    };
    const step = nextBusStep(view);
    if (step.kind !== "nothing") {
      log.info("a step for the bus", { step, members, peers, stream: view.stream });
      await take(step, { manager, connection, system, stream: deps.subjects.eventsStream });
      return NEXT_MS;
    }
    for (const { logical_machine_id: id } of leaving) {
      const name = servers.find((row) => row.logical_machine_id === id)?.physical_machine_name.toLowerCase();
      if (leader === null || (name !== undefined && peers.includes(name))) continue;
      await gateway.commit([
        update("node_state", { id: 1, epoch }, { fence: { add: 1 } }), // whoever is master no more says nothing
        remove("member_address", { logical_machine_id: id, leaving: true }),
      ]);
      log.info("a server has left the bus", { server: name ?? id });
    }
    return leaving.length > 0 ? LEAVING_LOOK_MS : LOOK_MS;
  } finally {
    await system.close();
  }
}

interface Hands {
  readonly manager: JetStreamManager;
  readonly connection: NatsConnection;
  readonly system: SystemAccount;
  readonly stream: string;
}

async function take(step: BusStep, { manager, connection, system, stream }: Hands): Promise<void> {
  switch (step.kind) {
    case "nothing":
      return;
    case "copies":
      await manager.streams.update(stream, { num_replicas: step.copies });
      return;
    case "streamStepDown":
      await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, "{}", { timeout: ASK_MS });
      return;
    case "groupStepDown":
      await system.stepDown();
      return;
    case "evict":
      await system.evict(step.peer);
  }
}

/** Null: there is none. */
async function placeOf(manager: JetStreamManager, stream: string): Promise<StreamPlace | null> {
  try {
    const { config, cluster } = await manager.streams.info(stream);
    return {
      leader: cluster?.leader ?? null,
      replicas: (cluster?.replicas ?? []).map(({ name, current }) => ({ name, isCurrent: current })),
      copies: config.num_replicas,
    };
  } catch (thrown) {
    if (thrown instanceof JetStreamApiError && thrown.code === STREAM_NOT_FOUND) return null;
    throw thrown;
  }
}
