/**
 * A cluster of three servers on hosts of their own, as far as the network goes: each pair, its processes and its NATS server in
 * a network namespace, PostgreSQL in a fourth. Links are cut host by host. The servers know each other by certificates. What is
 * one machine's still is theirs together: the clock, the disk, and the process table, in which a census counts.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type NatsSettings, StatusReport } from "@castellan/protocol";
import { DEFAULT_NODE, nodeDomain } from "@castellan/protocol/home";
import type { Gateway } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import {
  type CliResult,
  eventually,
  findProcesses,
  killAll,
  type Postgres,
  postgres,
  runCli,
  tempHome,
} from "@castellan/testkit";
import { TRUST_SETTINGS, trustPaths } from "@castellan/trust";
import { foundAuthority, issueInto } from "@castellan/trust/authority";
import { type Census, takeCensus } from "./census.ts";
import { SERVERS } from "./cluster.ts";
import { readJournal, type Told } from "./journal.ts";
import { type Host, makeLan } from "./namespaces.ts";
import { said } from "./node.ts";
import { complaintsOf, type EpochWatch, watchEpochs } from "./witness.ts";

const CLIENT_PORT = 4222;
const ROUTE_PORT = 6222;

export interface ServerHost {
  readonly name: string;
  readonly home: string;
  readonly link: Host;
  /** `castellan` on this host. */
  cli(...args: string[]): Promise<CliResult>;
}

export interface Hosts {
  readonly servers: readonly ServerHost[];
  readonly database: Host;
  readonly gateway: Gateway;
  readonly census: Census;
  readonly epochs: EpochWatch;
  journal(): Told[];
  /** The bus as seen from this machine, through the servers named. */
  busOf(...servers: readonly ServerHost[]): NatsSettings;
  /** The master by the rows. */
  master(): Promise<ServerHost>;
  /** RUNNING, every server up, and every enabled instance RUNNING with the pid that the census counts. */
  awaitWhole(withinMs?: number): Promise<StatusReport>;
  /** What of the invariants was violated so far, in words. When everything is quiet. */
  complaints(): Promise<string[]>;
  dispose(): Promise<void>;
}

export interface HostsOptions {
  /** The text of types.yaml, for servers hades, zeus and hera. */
  readonly types: string;
  readonly exclusiveTypes: ReadonlySet<string>;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Throws where namespaces cannot be made or PostgreSQL is missing: ask `whyNoRemotePostgres` first. */
export async function makeHosts(options: HostsOptions): Promise<Hosts> {
  const temp = await tempHome("castellan-hosts-");
  const { dir } = temp;
  const lan = makeLan([...SERVERS, "db"]);
  let server: Postgres | undefined;
  let gateway: Gateway | undefined;
  let epochs: EpochWatch | undefined;
  const census = takeCensus({ dir, exclusiveTypes: options.exclusiveTypes });
  const clear = async (): Promise<void> => {
    census.stop();
    epochs?.stop();
    await killAll(dir);
    await gateway?.close();
    await server?.stop();
    lan.remove();
    await temp.remove();
  };

  try {
    server = await postgres({ host: lan.host("db") });
    const { url, password } = await server.database();
    const passwordFile = join(dir, "db.password");
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    const trust = { node: DEFAULT_NODE, now: createSystemClock().now() };
    await foundAuthority(dir, trust.node, trust.now);
    const { directory: ours, ca, identity } = trustPaths(join(dir, "tester"));
    await issueInto(dir, ours, { name: "tester", bearer: "client", addresses: [], ...trust });
    for (const name of SERVERS) {
      const { directory } = trustPaths(join(dir, name));
      await issueInto(dir, directory, { name, bearer: "server", addresses: [lan.host(name).address], ...trust });
    }
    const servers = SERVERS.map((name) => {
      const link = lan.host(name);
      const home = join(dir, name);
      const routes = SERVERS.filter((other) => other !== name);
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, "fspart"), "# nothing is watched\n");
      writeFileSync(join(home, "types.yaml"), options.types);
      // JSON is YAML.
      const settings = {
        server: name,
        nats: {
          listen: `${link.address}:${CLIENT_PORT}`,
          tls: TRUST_SETTINGS,
          cluster: {
            listen: `${link.address}:${ROUTE_PORT}`,
            routes: routes.map((other) => `nats://${lan.host(other).address}:${ROUTE_PORT}`),
          },
        },
        database: { url, passwordFile },
      };
      writeFileSync(join(home, "castellan.yaml"), JSON.stringify(settings));
      const cli = (...args: string[]) => runCli(args, { home, timeoutMs: 120_000, through: link.through });
      return { name, home, link, cli };
    });
    // The order in which a node is installed: the first makes the schema and is master, then the others come.
    const [first, ...others] = servers;
    if (first === undefined) throw new Error("there is a first server");
    await must(first, "up", "--detach");
    await Promise.all(others.map((one) => must(one, "up", "--detach")));
    for (const [name, value] of Object.entries(options.attributes ?? {})) {
      await must(first, "attribute", "set", name, value);
    }
    const opened = await openGateway({
      url,
      passwordFile,
      clock: createSystemClock(),
      rng: systemRng,
      logger: silentLogger,
      migrate: "never",
    });
    gateway = opened;
    const watch = watchEpochs(opened);
    epochs = watch;

    const busOf = (...some: readonly ServerHost[]): NatsSettings => ({
      url: some.map(({ link }) => `nats://${link.address}:${CLIENT_PORT}`).join(","),
      credentials: null,
      tls: { ca, cert: identity, key: identity, name: nodeDomain(DEFAULT_NODE) },
    });
    const journal = (): Told[] => readJournal(join(dir, "journal"));
    return {
      servers,
      database: lan.host("db"),
      gateway: opened,
      census,
      epochs: watch,
      journal,
      busOf,
      async master() {
        const [state] = await opened.find("node_state");
        const members = await opened.find("node_cluster");
        const master = members.find(({ logical_machine_id: id }) => id === state?.master_id)?.physical_machine_name;
        const found = servers.find(({ name }) => name === master);
        if (found === undefined) throw new Error("there is no master");
        return found;
      },
      awaitWhole: (withinMs = 120_000) =>
        eventually(
          async () => {
            const report = StatusReport.parse(JSON.parse((await must(first, "status", "--json")).stdout));
            const told = report.servers.flatMap(({ name, processes }) =>
              processes.flatMap((one) =>
                one.enabled ? [`${one.type} ${one.instance} ${one.status} ${name} ${one.pid}`] : [],
              ),
            );
            const counted = census.look().map((one) => `${one.label} RUNNING ${one.server} ${one.pid}`);
            const isWhole = !report.stale && report.servers.every(({ state }) => state === "up");
            if (isWhole && report.state === "RUNNING" && told.toSorted().join() === counted.toSorted().join())
              return report;
            throw new Error(JSON.stringify({ report, counted }));
          },
          { withinMs, everyMs: 200, describe: "the cluster is whole" },
        ),
      complaints: () =>
        complaintsOf({ gateway: opened, census, epochs: watch, journal, busSettings: busOf(...servers) }),
      async dispose() {
        try {
          for (const { link } of servers) link.heal();
          await must(first, "stop", "--timeout", "60");
          // One after the other: each hands over to one that stays.
          for (const one of servers) await must(one, "down", "--timeout", "60");
          await eventually(() => findProcesses(dir).length === 0, {
            withinMs: 90_000,
            describe: `nothing is left: ${JSON.stringify(findProcesses(dir))}`,
          });
        } finally {
          await clear();
        }
      },
    };
  } catch (thrown) {
    await clear();
    throw thrown;
  }
}

async function must(server: ServerHost, ...args: string[]): Promise<CliResult> {
  const result = await server.cli(...args);
  if (result.code === 0) return result;
  throw new Error(`castellan ${args.join(" ")} on ${server.name} ended with ${result.code}: ${said(result)}`);
}
