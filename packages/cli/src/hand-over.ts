/** A master whose server is taken down hands over first: what runs on the master goes with mastership, in order. */
import { type AdminContext, findMaster, setMaster } from "@castellan/admin";
import { CastellanError, sleep } from "@castellan/kernel";
import { type NodeView, readNodeView } from "@castellan/store";
import { findHeir } from "./heir.ts";
import type { Invocation } from "./invocation.ts";
import { say } from "./start-node.ts";

const MOVED_WITHIN_MS = 120_000;
const LOOK_MS = 250;
/** Which of `NO_ANSWER` it is is known by then, milliseconds. */
const SILENT_MS = 15_000;
/** Each attempt is on record. */
const SILENT_LOOK_MS = 1000;

/**
 * To a server that stays. One that is taken down itself meanwhile is passed over for the next. False: nobody stays, and the master is the
 * last to go; what depends on it has ended on the others by then. Rejects with what `setMaster` refuses, and TIMED_OUT: then the
 * server is still up.
 */
export async function handOver(invocation: Invocation, ctx: AdminContext, from: string): Promise<boolean> {
  const deadline = ctx.clock.bootMs() + (invocation.timeoutMs ?? MOVED_WITHIN_MS);
  let last: string | null = null;
  let awaited = "";
  for (;;) {
    const { heir, othersLeave } = await findHeir(ctx, from);
    if (heir !== null) {
      if (heir !== last) say(invocation, `${from} is master: handing over to ${heir}`);
      last = heir;
      if (await hasHandedOver(ctx, from, heir, deadline)) return true;
    } else if (othersLeave.length === 0) return false;
    // One that goes too has it, and goes last.
    else if (await hasNothingToHandOver(ctx, from)) return true;
    else if (othersLeave.join(", ") !== awaited) {
      awaited = othersLeave.join(", ");
      say(
        invocation,
        `${from} is master: waiting for ${awaited}, which ${othersLeave.length === 1 ? "goes" : "go"} down too`,
      );
    }
    if (ctx.clock.bootMs() > deadline) return false;
    await sleep(ctx.clock, LOOK_MS);
  }
}

async function hasNothingToHandOver(ctx: AdminContext, from: string): Promise<boolean> {
  const { server: master } = await findMaster(ctx);
  return master !== null && master !== from && goingAlong(await readNodeView(ctx.gateway), from, master).length === 0;
}

/** Of a server that is on its way down, or whose sentinel is on its way back. */
const NO_ANSWER: ReadonlySet<string> = new Set(["NOT_REACHABLE", "ASK_TIMEOUT", "TIMED_OUT", "NOT_TAKEN"]);

/** True when all has gone along; false when that one does not stay. */
async function hasHandedOver(ctx: AdminContext, from: string, to: string, deadline: number): Promise<boolean> {
  const stays = async (): Promise<boolean> => (await findHeir(ctx, from, to)).heir === to;
  const silentUntil = Math.min(deadline, ctx.clock.bootMs() + SILENT_MS);
  for (;;) {
    try {
      await setMaster(ctx, to);
      break;
    } catch (thrown) {
      if (ctx.clock.bootMs() <= deadline && !(await stays())) return false;
      const isSilent = thrown instanceof CastellanError && NO_ANSWER.has(thrown.code);
      if (!isSilent || ctx.clock.bootMs() > silentUntil) throw thrown;
      await sleep(ctx.clock, SILENT_LOOK_MS);
    }
  }
  for (;;) {
    const left = goingAlong(await readNodeView(ctx.gateway), from, to);
    if (left.length === 0) return true;
    if (!(await stays())) return false;
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
