/** A server that ends in order while nobody can be told that it runs nothing. */
import { existsSync } from "node:fs";
import { createActorSystem, receive, setup } from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import type { ProcessTableCommand } from "@castellan/sentinel";
import { type Gateway, insert, StoreUnavailable } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { eventually, tempHome } from "@castellan/testkit";
import { expect, it } from "vitest";
import { openGrants, type ServerGrants } from "../../src/node/grants.ts";

const nothing = (): void => undefined;
const grant = {
  generation: 1,
  incarnation: 1,
  members: "[1,2]",
  period_ms: 20_000,
  renewals: 4,
  revoked: false,
} as const;

it("a server that cannot give up its grant ends all the same", async () => {
  const home = await tempHome();
  const clock = createSystemClock();
  const newId = createIdSource(clock, systemRng);
  const system = createActorSystem({ host: "hades", clock, rng: systemRng, newId, logger: silentLogger });
  const memory = createMemoryGateway();
  await memory.commit([insert("server_grant", { logical_machine_id: 1, ...grant, ended: null, fencing: null })]);
  const gateway: Gateway = {
    ...memory,
    commit: () => Promise.reject(new StoreUnavailable("the database is away")),
  };
  const identity = { node: "ips1", server: "hades", serverId: 1, home: home.dir, incarnation: 1 };
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const deps = { identity, gateway, system, clock, log, baseEnv: {}, onSuperseded: nothing };
  const grants: ServerGrants = openGrants(deps);
  const processes = system.spawn(
    receive<ProcessTableCommand>({
      Ungrant: (_message, replyTo) => replyTo.success(undefined),
      Refresh: nothing,
      GetKeeper: nothing,
      GetCounts: nothing,
      Loaded: nothing,
      Ungranted: nothing,
      ViewRead: nothing,
      ViewFailed: nothing,
      StatusChanged: nothing,
      KeeperGone: nothing,
    }),
    "processes",
  );
  try {
    system.spawn(
      setup<{ readonly type: "x" }>((context) => {
        grants.begin(context, processes, nothing);
        return receive<{ readonly type: "x" }>({ x: nothing });
      }),
      "guardian",
    );
    await eventually(() => expect(existsSync(home.path("run/guard/due"))).toBe(true)); // its row has been read
    await grants.giveUp();
    expect(warnings).toEqual(["others are not told that this server runs nothing: they wait"]);
  } finally {
    grants.close();
    await system.stop(30_000);
    await home.remove();
  }
});
