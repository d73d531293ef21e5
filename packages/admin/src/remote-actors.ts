/**
 * The node's actors as refs: an actor system without actors of its own, whose transport is the bus at hand. So what an
 * administrator says is encoded, and what is answered is checked, by the same code as between sentinels.
 */
import { type ActorSystem, type Address, createActorSystem, type Transport } from "@castellan/actor";
import { CastellanError, silentLogger, systemRng } from "@castellan/kernel";
import { createSubjects, type Subjects } from "@castellan/protocol";
import { type AdminContext, requireBus } from "./context.ts";

/** Holds nothing open: there is no need to stop it. */
export function remoteActors(ctx: Pick<AdminContext, "bus" | "node" | "clock" | "newId">): Pick<ActorSystem, "remote"> {
  return createActorSystem({
    host: "admin",
    transport: busTransport(ctx, createSubjects(ctx.node)),
    clock: ctx.clock,
    rng: systemRng, // spreads restarts of actors, of which there are none
    logger: silentLogger,
    newId: ctx.newId,
  });
}

function busTransport(ctx: Pick<AdminContext, "bus">, subjects: Subjects): Transport {
  const subjectOf = ({ host, actor, key }: Address, verb: string): string =>
    subjects.build({ kind: "request", server: host, actor, key, verb });
  return {
    self: "admin",
    up: ctx.bus !== null,
    onLink: () => () => undefined,
    serve() {
      throw new CastellanError("NOT_SUPPORTED", "an administrator serves nothing");
    },
    send(address, verb, body, headers) {
      // Told is not promised: what does not arrive is found by the poll of whoever should have heard it.
      ctx.bus?.publish(subjectOf(address, verb), body, headers).catch(() => undefined);
    },
    request: async (address, verb, body, headers, timeoutMs) =>
      requireBus(ctx).request(subjectOf(address, verb), body, timeoutMs, headers),
    close: () => Promise.resolve(),
  };
}
