/** What an upgrade asks of sentinels over the bus, and what goes on record of it. */
import { CastellanError } from "@castellan/kernel";
import { Sentinel } from "@castellan/protocol";
import { auditRow } from "../audit.ts";
import { changePatiently } from "../change-patiently.ts";
import type { AdminContext } from "../context.ts";
import { remoteActors } from "../remote-actors.ts";

/** Its host starts the installed program twice before it answers, milliseconds. */
const EXCHANGE_MS = 60_000;
const AWAIT_MS = 5000;

/**
 * Has the sentinel of a server exchange its pair for that of this release, which must be installed there. It has only begun
 * when this resolves. Refused NOT_INSTALLED, PROGRAM_FAILED; NOT_REACHABLE and TIMED_OUT of the bus.
 */
export async function exchangeServer(ctx: AdminContext, server: string, release: string): Promise<void> {
  const asked = { type: "Exchange", by: ctx.user.slice(0, 64), release } as const;
  const { from, to } = await remoteActors(ctx)
    .remote(Sentinel, { host: server })
    .ask(asked, { timeoutMs: EXCHANGE_MS });
  await recordUpgrade(ctx, "server.upgrade", { server, from, to, asked: true });
}

/** Asks servers to miss a master that is just being exchanged for so long; 0: not any longer. Those that do not say that they do. */
export async function awaitMaster(
  ctx: AdminContext,
  servers: readonly string[],
  epoch: number,
  forMs: number,
): Promise<string[]> {
  const actors = remoteActors(ctx);
  const answers = servers.map(async (host) => {
    try {
      const asked = { type: "AwaitMaster", epoch, forMs } as const;
      return (await actors.remote(Sentinel, { host }).ask(asked, { timeoutMs: AWAIT_MS })).waits ? [] : [host];
    } catch (thrown) {
      if (thrown instanceof CastellanError) return [host];
      throw thrown;
    }
  });
  return (await Promise.all(answers)).flat();
}

export async function recordUpgrade(
  ctx: AdminContext,
  what: "server.upgrade" | "schema.migrate",
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  const row = auditRow(ctx, what, details);
  await changePatiently("the record of commands", () => ctx.gateway.commit([row]));
}
