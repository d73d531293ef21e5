/** Who is master, moving it by hand, and going on after the schema has forgotten an epoch. */
import { CastellanError } from "@castellan/kernel";
import { Sentinel } from "@castellan/protocol";
import { update } from "@castellan/store";
import { readNodeState } from "@castellan/store/state";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import { type AdminContext, requireBus } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";
import { serverNamed } from "./servers.ts";

export interface Mastership {
  /** Null: nobody is master. */
  readonly server: string | null;
  readonly id: number | null;
  readonly epoch: number;
  /** What the schema says of that server: a master that is down is about to be replaced. */
  readonly state: string | null;
}

export interface MasterSet {
  readonly server: string;
  readonly epoch: number;
  /** Who was master before; null = nobody. */
  readonly previous: string | null;
}

/** Default of how long a change of mastership is waited for, milliseconds. */
const SET_MS = 10_000;

export async function findMaster(ctx: Pick<AdminContext, "gateway">): Promise<Mastership> {
  const { servers, masterId, epoch } = await readNodeState(ctx.gateway);
  const master = servers.find(({ id }) => id === masterId);
  return { server: master?.name ?? null, id: master?.id ?? null, epoch, state: master?.state ?? null };
}

/**
 * Moves mastership to a server, by name or id. Who is master already stays so. Refused UNKNOWN_SERVER, SERVER_DOWN,
 * NOT_TAKEN (retryable), EPOCH_BACKWARDS; NOT_REACHABLE and TIMED_OUT of the bus.
 */
export async function setMaster(ctx: AdminContext, typed: string, timeoutMs = SET_MS): Promise<MasterSet> {
  const { servers, masterId } = await readNodeState(ctx.gateway);
  const server = serverNamed(servers, typed);
  const previous = servers.find(({ id }) => id === masterId)?.name ?? null;
  if (server.state === "down" || server.state === "isolated") {
    throw new CastellanError(
      "SERVER_DOWN",
      `${server.name} is ${server.state} and cannot be master: start its sentinel there first (castellan up)`,
      { details: { server: server.name, state: server.state } },
    );
  }
  requireBus(ctx);
  const order = { type: "TakeMastership", by: ctx.user.slice(0, 64), requestId: ctx.newId(), returns: false } as const;
  // Before it is done, and also if it is not: what a person has ordered is on record whatever becomes of this command.
  const audit = auditRow(ctx, "master.set", { server: server.name, previous, requestId: order.requestId });
  await changePatiently("the record of commands", () => ctx.gateway.commit([audit]));
  const { epoch } = await remoteActors(ctx).remote(Sentinel, { host: server.name }).ask(order, { timeoutMs });
  return { server: server.name, epoch, previous };
}

export interface Recovered {
  readonly before: number;
  readonly epoch: number;
}

/**
 * Lets a node go on whose schema shows an older epoch than its sentinels have seen: it shows this one from now on, and a
 * sentinel takes the next. Refused EPOCH_TOO_LOW.
 */
export async function recoverEpoch(ctx: AdminContext, epoch: number): Promise<Recovered> {
  return await changePatiently("who is master", async () => {
    const { epoch: before } = await readNodeState(ctx.gateway);
    if (!Number.isSafeInteger(epoch) || epoch <= before) {
      throw new CastellanError(
        "EPOCH_TOO_LOW",
        `the schema shows epoch ${before}: only a greater one can be set; the alert of the sentinels names the one they have seen`,
        { details: { shown: before, asked: epoch } },
      );
    }
    await ctx.gateway.commit([
      update("node_state", { id: 1, epoch: before }, { epoch, fence: { add: 1 }, master_id: null, nonce: null }),
      update("node_cluster", { master: true }, { master: false }, "any"),
      update("operation", { state: "open" }, { epoch }, "any"),
      update("operation_step", { state: { in: ["pending", "ready", "claimed"] } }, { epoch }, "any"),
      auditRow(ctx, "epoch.recover", { before, epoch }),
    ]);
    return { before, epoch };
  });
}
