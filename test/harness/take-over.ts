/** What happens when the pair of a cluster's master is killed, timed: shared by the tests and by the figures. */
import { randomUUID } from "node:crypto";
import { CommandReply, CommandRequest, createSubjects, type NatsSettings } from "@castellan/protocol";
import { eventually } from "@castellan/testkit";
import type { NatsConnection } from "nats";
import { connectBus } from "./bus-client.ts";
import type { Cluster, ClusterServer } from "./cluster.ts";

export interface TakeOver {
  readonly victim: ClusterServer;
  /** When the pair was killed, milliseconds since the epoch. */
  readonly killedAtMs: number;
  /** From then until a master had journaled an operation. */
  readonly journaledMs: number;
}

const WITHIN_MS = 120_000;
/** What was sent to the master that has just died is sent again after so long, milliseconds; later on a slow one is waited for. */
const ASK_MS = 150;
const PATIENT_AFTER_MS = 5000;
const PATIENT_MS = 3000;

/** Kills the pair of the master, which stays away, and asks for an operation on a slave until a new master has one. */
export async function killMaster(cluster: Cluster): Promise<TakeOver> {
  const victim = await cluster.master();
  const other = cluster.servers.find((server) => server !== victim);
  const killedAtMs = Date.now();
  const journaledMs = await journaledWithin(cluster.busSettings, { server: other?.name ?? "" }, () =>
    victim.killPair(),
  );
  return { victim, killedAtMs, journaledMs };
}

/** Does something to the master; from then until a master has journaled an operation on this server, milliseconds. */
export async function journaledWithin(
  bus: NatsSettings,
  target: { readonly server: string },
  strike: () => void,
): Promise<number> {
  const connection = await connectBus(bus);
  try {
    const begun = performance.now();
    strike();
    await journal(connection, target);
    return performance.now() - begun;
  } finally {
    await connection.close();
  }
}

/** Asks the node to start what runs on a server already: an operation that is journaled and touches nothing. */
async function journal(connection: NatsConnection, target: { readonly server: string }): Promise<string> {
  const subject = createSubjects("castellan").build({ kind: "command", verb: "start" });
  const request = JSON.stringify(CommandRequest.parse({ requestId: randomUUID(), target, by: "test" }));
  const patientMs = performance.now() + PATIENT_AFTER_MS;
  return await eventually(
    async () => {
      const timeout = performance.now() < patientMs ? ASK_MS : PATIENT_MS;
      const reply = CommandReply.parse((await connection.request(subject, request, { timeout })).json());
      if ("error" in reply) throw new Error(`${reply.error.code}: ${reply.error.message}`);
      return reply.operationId;
    },
    { withinMs: WITHIN_MS, everyMs: 5, describe: "a new master journals an operation" },
  );
}

/** Waits until every one of these runs on another server than `victim`; from the kill until the last one had started. */
export async function movedElsewhere(cluster: Cluster, labels: readonly string[], from: TakeOver): Promise<number> {
  return await eventually(
    () => {
      const started = labels.map((label) =>
        cluster
          .journal()
          .find(
            (told) =>
              told.label === label &&
              told.what === "started" &&
              told.server !== from.victim.name &&
              told.atMs > from.killedAtMs,
          ),
      );
      const times = started.flatMap((told) => (told === undefined ? [] : [told.atMs - from.killedAtMs]));
      return times.length === labels.length ? Math.max(...times) : null;
    },
    { withinMs: WITHIN_MS, everyMs: 50, describe: `${labels.join(", ")} run elsewhere` },
  );
}
