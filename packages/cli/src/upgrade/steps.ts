/** Performs one step of an upgrade. Each leaves behind what the next look can see, wherever it is broken off. */
import { rmSync, writeFileSync } from "node:fs";
import { readMembers, type UpgradeStep } from "@castellan/admin";
import { endPair, homePaths } from "@castellan/daemon";
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
import { bringUpSentinels } from "../bring-up.ts";
import { databaseOptions } from "../database-options.ts";
import { handOver } from "../hand-over.ts";
import type { Invocation } from "../invocation.ts";
import { markOf, type UpgradeScene } from "./scene.ts";

const ENDED_WITHIN_MS = 30_000;
const UP_WITHIN_MS = 60_000;
const LOOK_MS = 100;

export async function perform(invocation: Invocation, scene: UpgradeScene, step: UpgradeStep): Promise<void> {
  switch (step.do) {
    case "migrate":
      return await migrate(scene);
    case "replace":
      return await replace(invocation, scene, step.server);
    case "hand-over":
      return await handOver(invocation, await invocation.openAdmin(), step.from, step.to);
  }
}

/** Under the lock of migrations: whoever comes second finds nothing to do. */
async function migrate({ settings }: UpgradeScene): Promise<void> {
  const gateway = await openGateway({
    ...databaseOptions(settings.database),
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
    migrate: "always",
  });
  await gateway.close();
}

async function replace(invocation: Invocation, { homes }: UpgradeScene, server: string): Promise<void> {
  const home = homes.get(server);
  if (home === undefined) throw new CastellanError("UNKNOWN_SERVER", `${server} does not live in this home`);
  const clock = createSystemClock();
  writeFileSync(markOf(home), `${PROGRAM_VERSION}\n`);
  await endPair(homePaths(home), clock, ENDED_WITHIN_MS);
  await bringUpSentinels(invocation.io, [home]);
  await untilSeen(invocation, clock, server);
  rmSync(markOf(home), { force: true });
}

/** Until the schema says that the server is up, with the sentinel of this release. */
async function untilSeen(invocation: Invocation, clock: Clock, server: string): Promise<void> {
  const { gateway } = await invocation.openAdmin();
  const deadline = clock.bootMs() + (invocation.timeoutMs ?? UP_WITHIN_MS);
  for (;;) {
    const member = (await readMembers(gateway, true)).find(({ name }) => name === server);
    if (member?.program === PROGRAM_VERSION && member.isUp) return;
    if (clock.bootMs() > deadline) {
      throw new CastellanError(
        "TIMED_OUT",
        `the new sentinel of ${server} is not up yet: look into its logs, then run it again`,
        {
          details: { server, program: member?.program ?? null },
        },
      );
    }
    await sleep(clock, LOOK_MS);
  }
}
