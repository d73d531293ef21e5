/** Performs one step of an upgrade. Each leaves behind what the next look can see, wherever it is broken off. */
import {
  awaitMaster,
  exchangeServer,
  findMaster,
  readMembers,
  recordUpgrade,
  type UpgradeStep,
} from "@castellan/admin";
import { homePaths, launchNextPair, pairState, rehearse } from "@castellan/daemon";
import {
  CastellanError,
  type Clock,
  createSystemClock,
  PROGRAM_VERSION,
  silentLogger,
  sleep,
  systemRng,
} from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { databaseOptions } from "../database-options.ts";
import type { Invocation } from "../invocation.ts";
import { programEntry } from "../program-entry.ts";
import { say } from "../start-node.ts";
import { type NotUpFacts, notUpElsewhere, notUpHere } from "./not-up.ts";
import type { UpgradeScene } from "./scene.ts";

/** From the end of a sentinel to the next one's being up, milliseconds. For as long its master is not missed. */
const UP_WITHIN_MS = 60_000;
const LOOK_MS = 100;

export async function perform(invocation: Invocation, scene: UpgradeScene, step: UpgradeStep): Promise<void> {
  switch (step.do) {
    case "migrate":
      return await migrate(invocation, scene, step);
    case "replace":
      return await replace(invocation, scene, step.server);
    case "ask":
      await exchangeServer(await invocation.openAdmin(), step.server, PROGRAM_VERSION);
      return await untilSeen(invocation, createSystemClock(), step.server, null);
  }
}

/** Under the lock of migrations: whoever comes second finds nothing to do. */
async function migrate(
  invocation: Invocation,
  { settings }: UpgradeScene,
  { from, to }: Extract<UpgradeStep, { readonly do: "migrate" }>,
): Promise<void> {
  const gateway = await openGateway({
    ...databaseOptions(settings.database),
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
    migrate: "always",
  });
  await gateway.close();
  await recordUpgrade(await invocation.openAdmin(), "schema.migrate", { from, to, program: PROGRAM_VERSION });
}

/** The others do not miss a master meanwhile: it stays master, and what runs where the master is stays there. */
async function replace(invocation: Invocation, scene: UpgradeScene, server: string): Promise<void> {
  const home = scene.homes.get(server);
  if (home === undefined) throw new CastellanError("UNKNOWN_SERVER", `${server} does not live in this home`);
  const clock = createSystemClock();
  const next = { paths: homePaths(home), program: programEntry(), environment: { ...invocation.io.env } };
  await rehearse(next);
  const { servers } = scene.facts;
  const before = servers.find(({ name }) => name === server);
  const others = before?.isMaster === true ? servers.filter((one) => one.isRunning && one.name !== server) : [];
  const withinMs = invocation.timeoutMs ?? UP_WITHIN_MS;
  const excuse = await excuseFor(
    invocation,
    others.map(({ name }) => name),
  );
  await excuse(Math.min(withinMs, UP_WITHIN_MS));
  let isOurs = false;
  try {
    const watcher = launchNextPair(next);
    const pid = watcher.identity?.pid ?? null;
    let hasEnded = pid === null;
    watcher.onExit(() => {
      hasEnded = true;
    });
    await untilSeen(invocation, clock, server, { home, launched: () => ({ pid, hasEnded }) });
    isOurs = pid !== null && pid === pairState(next.paths).watcher;
  } catch (thrown) {
    await excuse(0); // it may not come: who can be master may take over now
    throw thrown;
  }
  if (!isOurs) return; // another call was at it, and records it
  const details = { server, from: before?.program ?? null, to: PROGRAM_VERSION, asked: false };
  await recordUpgrade(await invocation.openAdmin(), "server.upgrade", details);
}

async function excuseFor(invocation: Invocation, others: readonly string[]): Promise<(forMs: number) => Promise<void>> {
  if (others.length === 0) return () => Promise.resolve();
  const ctx = await invocation.openAdmin();
  const { epoch } = await findMaster(ctx);
  return async (forMs) => {
    const missing = await awaitMaster(ctx, others, epoch, forMs);
    if (missing.length > 0 && forMs > 0)
      say(invocation, `${missing.join(", ")} could not be told: mastership may go there for a moment`);
  };
}

/** Until the schema says that the server is up, with the sentinel of this release. `here`: null when it lives elsewhere. */
async function untilSeen(
  invocation: Invocation,
  clock: Clock,
  server: string,
  here: { readonly home: string; readonly launched: () => NotUpFacts["launched"] } | null,
): Promise<void> {
  const { gateway } = await invocation.openAdmin();
  const startedMs = clock.bootMs();
  const withinMs = invocation.timeoutMs ?? UP_WITHIN_MS;
  for (;;) {
    const member = (await readMembers(gateway, true)).find(({ name }) => name === server);
    if (member?.program === PROGRAM_VERSION && member.isUp) {
      say(invocation, `${server} works with release ${PROGRAM_VERSION} (${seconds(clock.bootMs() - startedMs)} s)`);
      return;
    }
    const isLate = clock.bootMs() - startedMs > withinMs;
    const problem =
      here === null
        ? isLate && notUpElsewhere(server)
        : notUpHere({
            server,
            home: here.home,
            pair: pairState(homePaths(here.home)),
            launched: here.launched(),
            isLate,
          });
    if (problem) throw problem;
    await sleep(clock, LOOK_MS);
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
