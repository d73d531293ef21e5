/** A master whose server is taken down hands over first: what runs on the master goes with mastership, in order. */
import { type AdminContext, setMaster } from "@castellan/admin";
import { CastellanError, sleep } from "@castellan/kernel";
import { type NodeView, readNodeView } from "@castellan/store";
import type { Invocation } from "./invocation.ts";
import { say } from "./start-node.ts";

const MOVED_WITHIN_MS = 120_000;
const LOOK_MS = 250;

/** Rejects with what `setMaster` refuses, and TIMED_OUT: then the server is still up. */
export async function handOver(invocation: Invocation, ctx: AdminContext, from: string, to: string): Promise<void> {
  say(invocation, `${from} is master: handing over to ${to}`);
  await setMaster(ctx, to);
  const deadline = ctx.clock.bootMs() + (invocation.timeoutMs ?? MOVED_WITHIN_MS);
  const look = async () => goingAlong(await readNodeView(ctx.gateway), from, to);
  for (let left = await look(); left.length > 0; left = await look()) {
    if (ctx.clock.bootMs() > deadline) {
      throw new CastellanError("TIMED_OUT", `${to} is master, but ${left.join(", ")} are on ${from} still`, {
        details: { from, to, left },
      });
    }
    await sleep(ctx.clock, LOOK_MS);
  }
}

/**
 * What is still to move with mastership. Not what is temporary, and not a number that the new master has itself: they stay, and end with
 * their server. Pure.
 */
export function goingAlong(
  {
    instances,
    types,
  }: Pick<NodeView, "types"> & {
    readonly instances: readonly Pick<NodeView["instances"][number], "server" | "type" | "instance" | "persistent">[];
  },
  from: string,
  to: string,
): readonly string[] {
  const foreground = instances.filter(({ type }) => types.get(type)?.layer === "foreground");
  const labelsOn = (server: string) =>
    foreground.flatMap((one) => (one.server === server && one.persistent ? [`${one.type} ${one.instance}`] : []));
  const taken = new Set(labelsOn(to));
  return labelsOn(from).filter((label) => !taken.has(label));
}
