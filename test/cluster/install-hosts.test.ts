/**
 * Three hosts become a cluster as docs/installing.md says, each in a network namespace with an address of its own: mutual TLS
 * without a word about it, events stored three times as soon as three are there, once again when one has left.
 */
import { writeFileSync } from "node:fs";
import { createSubjects, type NatsSettings, StatusReport } from "@castellan/protocol";
import { nodeDomain } from "@castellan/protocol/home";
import {
  type CliResult,
  eventually,
  findProcesses,
  killAll,
  type Postgres,
  postgres,
  runCli,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { trustPaths } from "@castellan/trust";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { connectBus } from "../harness/bus-client.ts";
import { type Lan, makeLan } from "../harness/namespaces.ts";
import { said } from "../harness/node.ts";
import { whyNoRemotePostgres } from "../harness/remote-postgres.ts";
import { ONE } from "../harness/types.ts";

const why = whyNoRemotePostgres();
const NODE = "ips1";
let temp: TempHome;
let lan: Lan | undefined;
let server: Postgres | undefined;

const hostOf = (name: string) => {
  if (lan === undefined) throw new Error("there is a network");
  return lan.host(name);
};

/** `castellan` on a host, with its home. Must end with 0. */
async function must(host: string, ...args: string[]): Promise<CliResult> {
  const { through } = hostOf(host);
  const result = await runCli(args, { home: temp.path(host), cwd: temp.dir, through, timeoutMs: 120_000 });
  expect(result.code, `${args.join(" ")} on ${host}: ${said(result)}`).toBe(0);
  return result;
}

const untilUp = (names: readonly string[]) =>
  eventually(
    async () => {
      const { servers } = StatusReport.parse(JSON.parse((await must("hades", "status", "--json")).stdout));
      expect(servers.map(({ name, state }) => `${name} ${state}`)).toEqual(names.map((name) => `${name} up`));
    },
    { withinMs: 90_000, everyMs: 250, describe: `${names.join(", ")} are up` },
  );

const Info = z.object({ config: z.object({ num_replicas: z.int() }) });

/** How often each event is stored. */
const untilStored = (bus: NatsSettings, copies: number) =>
  eventually(
    async () => {
      const connection = await connectBus(bus);
      try {
        const subject = `$JS.API.STREAM.INFO.${createSubjects(NODE).eventsStream}`;
        const { config } = Info.parse((await connection.request(subject, "", { timeout: 5000 })).json());
        expect(config.num_replicas).toBe(copies);
      } finally {
        await connection.close();
      }
    },
    { withinMs: 90_000, everyMs: 300, describe: `events are stored in ${copies} places` },
  );

describe.skipIf(why !== undefined)(`three hosts${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  beforeAll(async () => {
    temp = await tempHome("castellan-install-");
    lan = makeLan(["hades", "zeus", "hera", "db"]);
    server = await postgres({ host: lan.host("db") });
  });
  afterAll(async () => {
    await killAll(temp.dir);
    await server?.stop();
    lan?.remove();
    await temp.remove();
  });

  it("are one node by init and join, know each other by certificates, and are taken away in order", async () => {
    const { url, password } = (await server?.database()) ?? { url: "", password: "" };
    writeFileSync(temp.path("db.password"), `${password}\n`, { mode: 0o600 });
    const meeting = (host: string): string[] => {
      const { address } = hostOf(host);
      const bus = ["--listen", `${address}:4222`, "--cluster", `${address}:6222`];
      return [temp.path(host), "--server", host, "--database", url, "--password-file", "db.password", ...bus];
    };
    await must("hades", "init", "--node", NODE, ...meeting("hades"));
    writeFileSync(temp.path("hades/etc/types.yaml"), ONE);
    await must("hades", "doctor");
    await must("hades", "up", "--detach");
    await must("hades", "cert", "issue", "me", "--client", "--out", "me/etc/trust");
    const { ca, identity } = trustPaths(temp.path("me"));
    const bus: NatsSettings = {
      url: `nats://${hostOf("hades").address}:4222`,
      credentials: null,
      tls: { ca, cert: identity, key: identity, name: nodeDomain(NODE) },
    };
    await untilStored(bus, 1);

    for (const host of ["zeus", "hera"]) {
      await must("hades", "cert", "issue", host, "--address", hostOf(host).address, "--out", `${host}-trust`);
      await must(host, "join", ...meeting(host), "--trust", `${host}-trust`);
      await must(host, "doctor");
      await must(host, "up", "--detach");
    }
    await untilUp(["hades", "zeus", "hera"]);
    await untilStored(bus, 3);

    await must("hera", "leave");
    await untilUp(["hades", "zeus"]);
    await untilStored(bus, 1);
    await must("zeus", "uninstall", "--yes");
    await must("hades", "uninstall", "--schema", "--yes");
    expect(findProcesses(temp.dir).filter(({ command }) => !command.includes("postgres"))).toEqual([]);
  });
});
