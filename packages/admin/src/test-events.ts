/** The event self-test of the whole node: every server's sentinel says whether what it publishes comes back to it. */
import { CastellanError } from "@castellan/kernel";
import { Sentinel } from "@castellan/protocol";
import type { AdminContext } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";
import { listServers } from "./servers.ts";

export interface EventTest {
  readonly server: string;
  /** Until the message was back; null: it did not come back. */
  readonly tookMs: number | null;
  /** Null when it did. */
  readonly problem: string | null;
  /** Its sentinel has ended or is lost: nothing is expected of it. */
  readonly down: boolean;
}

/** One result for each server, in the order of their ids. */
export async function testEventsEverywhere(ctx: AdminContext, withinMs: number): Promise<EventTest[]> {
  const actors = remoteActors(ctx);
  const servers = await listServers(ctx);
  return await Promise.all(
    servers.map(async ({ name: server, state }): Promise<EventTest> => {
      const down = state === "down";
      try {
        const sentinel = actors.remote(Sentinel, { host: server });
        const { tookMs } = await sentinel.ask<"TestEvents">({ type: "TestEvents" }, { timeoutMs: withinMs });
        return { server, tookMs, problem: null, down: false };
      } catch (thrown) {
        if (!(thrown instanceof CastellanError)) throw thrown;
        return { server, tookMs: null, problem: thrown.message, down };
      }
    }),
  );
}
