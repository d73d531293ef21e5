/**
 * `castellan leave`: takes this server, a slave, out of its node: stops what runs here in order, moves what its part of the bus
 * holds to the others, and takes its row away. Its home stays. Begun again, it goes on where it was.
 */
import {
  type AdminContext,
  announceLeaving,
  departureOf,
  hasLeftBus,
  refuseToLeave,
  removeServer,
} from "@castellan/admin";
import { endEmbeddedNats, forgetBus, homePaths, refuseOtherSchema } from "@castellan/daemon";
import { CastellanError, sleep } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { readSettings } from "../home.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { say } from "../start-node.ts";
import { stopServers } from "./down.ts";

const BUS_WITHIN_MS = 120_000;
const DOWN_WITHIN_MS = 60_000;
const LOOK_MS = 250;

export const run: Run = async (invocation) => {
  const { home, io, json } = invocation;
  const settings = await readSettings(home, io.hostName);
  const { server, servers } = settings;
  if (servers.length > 0) {
    throw new CastellanError(
      "SEVERAL_SERVERS",
      `${home} is the home of ${servers.join(", ")}: say which, with --home ${home}/${servers.at(-1) ?? ""}`,
      { details: { servers } },
    );
  }
  const ctx = await invocation.openAdmin();
  await refuseOtherSchema({ gateway: ctx.gateway, settings, paths: homePaths(home) });
  const left = await leaveNode(invocation, ctx, home, server);
  if (json) printJson(invocation, left);
  else {
    const { processes } = left;
    const what = processes === 0 ? "" : `, with ${processes} process${processes === 1 ? "" : "es"}`;
    io.out(`${left.name} (#${left.id}) is no member of node ${ctx.node} any more${what}; its home stays: ${home}\n`);
  }
  return EXIT.done;
};

/** Throws LAST_SERVER, SERVER_IS_MASTER, NO_MASTER, TIMED_OUT, and what stopping and removing refuse. */
export async function leaveNode(invocation: Invocation, ctx: AdminContext, home: string, server: string) {
  const departure = await departureOf(ctx, server);
  refuseToLeave(departure);
  const { code, message } = await stopServers(invocation, ctx, [home], { keepsBus: true });
  if (code !== EXIT.done) throw new CastellanError("NOT_STOPPED", message);
  const isOfBus = await announceLeaving(ctx, departure.server);
  if (isOfBus) {
    say(invocation, "the others take over what the bus holds here");
    const deadline = ctx.clock.bootMs() + (invocation.timeoutMs ?? BUS_WITHIN_MS);
    while (!(await hasLeftBus(ctx, departure.server))) {
      if (ctx.clock.bootMs() > deadline) {
        throw new CastellanError(
          "TIMED_OUT",
          `the bus still needs ${server}: its part goes on, nothing else runs here; castellan leave goes on where it was`,
        );
      }
      await sleep(ctx.clock, LOOK_MS);
    }
  }
  const paths = homePaths(home);
  await endEmbeddedNats(paths, ctx.clock);
  forgetBus(paths);
  return await removeWhenDown(ctx, server);
}

/** The master takes a moment to see that its sentinel has ended, and what it may still run to be over. */
export async function removeWhenDown(ctx: AdminContext, server: string) {
  const deadline = ctx.clock.bootMs() + DOWN_WITHIN_MS;
  for (;;) {
    try {
      return await removeServer(ctx, server);
    } catch (thrown) {
      const passes = thrown instanceof CastellanError && (thrown.code === "SERVER_UP" || thrown.code === "GRANT_HELD");
      if (!passes || ctx.clock.bootMs() > deadline) throw thrown;
      await sleep(ctx.clock, LOOK_MS);
    }
  }
}
