/** A master whose server is taken down hands over first: what runs on the master goes with mastership, in order. */
import { type AdminContext, setMaster } from "@castellan/admin";
import { CastellanError, sleep } from "@castellan/kernel";
import { readNodeView } from "@castellan/store";
import type { Invocation } from "./invocation.ts";
import { say } from "./start-node.ts";

const MOVED_WITHIN_MS = 120_000;
const LOOK_MS = 250;

/** Rejects with what `setMaster` refuses, and TIMED_OUT: then the server is still up. */
export async function handOver(invocation: Invocation, ctx: AdminContext, from: string, to: string): Promise<void> {
  say(invocation, `${from} is master: handing over to ${to}`);
  await setMaster(ctx, to);
  const deadline = ctx.clock.bootMs() + (invocation.timeoutMs ?? MOVED_WITHIN_MS);
  for (let left = await foregroundOf(ctx, from); left.length > 0; left = await foregroundOf(ctx, from)) {
    if (ctx.clock.bootMs() > deadline) {
      throw new CastellanError("TIMED_OUT", `${to} is master, but ${left.join(", ")} are on ${from} still`, {
        details: { from, to, left },
      });
    }
    await sleep(ctx.clock, LOOK_MS);
  }
}

async function foregroundOf(ctx: AdminContext, server: string): Promise<readonly string[]> {
  const { instances, types } = await readNodeView(ctx.gateway);
  return instances
    .filter((instance) => instance.server === server && types.get(instance.type)?.layer === "foreground")
    .map(({ type, instance }) => `${type} ${instance}`);
}
