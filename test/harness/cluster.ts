/**
 * A real cluster for a test: three homes on this machine, three pairs, one schema, one bus. Everything goes through the
 * command line, files, signals and rows. From its start to its end a census counts the managed processes, and whatever is
 * left afterwards is killed and fails the test.
 */
import { cpSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { loadConfigFile } from "@castellan/kernel/config";
import { HomeConfig, type NatsSettings, StatusReport, WorkItemReport } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import type { Gateway } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import {
  type CliResult,
  eventually,
  findProcesses,
  killAll,
  killTogether,
  type NatsServer,
  natsServer,
  runCli,
  tempHome,
  testRun,
} from "@castellan/testkit";
import { z } from "zod";
import { type Census, takeCensus } from "./census.ts";
import { type DatabaseServer, projectServer } from "./database.ts";
import { readJournal, type Told } from "./journal.ts";
import { lives, said } from "./node.ts";
import { complaintsOf, type EpochWatch, watchEpochs } from "./witness.ts";

export interface ClusterOptions {
  /** The text of types.yaml, for servers hades, zeus and hera. */
  readonly types: string;
  readonly exclusiveTypes: ReadonlySet<string>;
  /** Attributes of the node. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** `own`: each server keeps a NATS server, as `up --servers 3` makes it. Default: one external NATS server. */
  readonly bus?: "own" | "external";
  /** A server of the test's own; default: the project's. Null, or none: one SQLite file. */
  readonly postgres?: DatabaseServer | null;
  /** More environment for the pairs. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClusterServer {
  readonly name: string;
  readonly home: string;
  /** Process id of a part by its record; null when it does not live. */
  part(part: "worker" | "watcher"): number | null;
  /** SIGKILL of both parts at once. Nobody brings them back but `up`. */
  killPair(): void;
  /** SIGSTOP of both parts, or of what is named. */
  freeze(): void;
  thaw(): void;
  /** As systemd would after a death: brings the pair up. */
  up(): Promise<CliResult>;
}

export interface Cluster {
  readonly dir: string;
  readonly servers: readonly ClusterServer[];
  server(name: string): ClusterServer;
  /** How the bus is reached from here. */
  readonly busSettings: NatsSettings;
  /** The one server of an external bus, to be killed and frozen. */
  readonly bus: NatsServer | null;
  /** As castellan.yaml says it. */
  readonly database: { readonly url: string; readonly passwordFile?: string };
  readonly gateway: Gateway;
  readonly census: Census;
  readonly epochs: EpochWatch;
  journal(): Told[];
  /** What of the invariants was violated so far, in words. When everything is quiet. */
  complaints(): Promise<string[]>;
  cli(...args: string[]): Promise<CliResult>;
  json<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T>;
  /** `castellan` must end with 0; its result. */
  must(...args: string[]): Promise<CliResult>;
  status(): Promise<StatusReport>;
  items(...args: string[]): Promise<WorkItemReport[]>;
  /** The master by the rows. */
  master(): Promise<ClusterServer>;
  /** RUNNING, every server up, and every enabled instance RUNNING with the pid that the census counts. */
  awaitWhole(withinMs?: number): Promise<StatusReport>;
  dispose(): Promise<void>;
}

export const SERVERS = ["hades", "zeus", "hera"] as const;
const PARTS = ["watcher", "worker"] as const;
const PartFile = z.object({ pid: z.int() });

export async function makeCluster(options: ClusterOptions): Promise<Cluster> {
  const temp = await tempHome("castellan-cluster-");
  const { dir } = temp;
  const hasOwnBus = options.bus === "own";
  const bus = hasOwnBus ? null : await natsServer({ jetstream: true });
  const { postgres = projectServer() } = options;
  const database = await postgres?.database();
  const passwordFile = join(dir, "db.password");
  if (database) writeFileSync(passwordFile, `${database.password}\n`, { mode: 0o600 });
  const shared = database ? { url: database.url, passwordFile } : { url: `sqlite:${join(dir, "cluster.db")}` };
  // The outer home, or the example that the cluster is made of.
  const outer = hasOwnBus ? join(dir, "example") : dir;
  mkdirSync(outer, { recursive: true });
  writeFileSync(join(outer, "types.yaml"), options.types);
  writeHome(outer, { ...(bus && { servers: SERVERS, nats: { url: bus.url } }), database: shared });
  const cliAt = (home: string, ...args: string[]): Promise<CliResult> =>
    runCli(args, { home, timeoutMs: 120_000, ...(options.env && { env: options.env }) });
  const servers = SERVERS.map((name) => makeServer(name, join(dir, name), cliAt));
  if (bus !== null) {
    for (const { name, home } of servers) {
      mkdirSync(home);
      writeHome(home, { server: name, nats: { url: bus.url }, database: shared });
    }
  }
  const cli = (...args: string[]): Promise<CliResult> => cliAt(dir, ...args);
  const must = async (...args: string[]): Promise<CliResult> => ended(await cli(...args), args);
  const json = async <T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> =>
    schema.parse(JSON.parse((await must(...args, "--json")).stdout));
  const status = () => json(StatusReport, "status");
  const server = (name: string): ClusterServer => {
    const found = servers.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no server ${name}`);
    return found;
  };
  const begin = async (): Promise<Gateway> => {
    const made = hasOwnBus ? ["--servers", String(SERVERS.length), "--example", outer] : [];
    await must("up", "--detach", ...made);
    for (const [name, value] of Object.entries(options.attributes ?? {})) await must("attribute", "set", name, value);
    return await openGateway({
      ...shared,
      clock: createSystemClock(),
      rng: systemRng,
      logger: silentLogger,
      migrate: "never",
    });
  };
  let gateway: Gateway | undefined;
  let epochs: EpochWatch | undefined;
  const census = takeCensus({ dir, exclusiveTypes: options.exclusiveTypes });
  const clear = async (): Promise<void> => {
    census.stop();
    epochs?.stop();
    await killAll(dir);
    await gateway?.close();
    await bus?.stop();
    await database?.drop();
    // For whoever looks into a failure: the homes with their logs, and the database.
    const { keepHomesIn: keep } = testRun();
    if (keep !== null)
      cpSync(dir, join(keep, basename(dir)), { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
    await temp.remove();
  };
  try {
    gateway = await begin();
    epochs = watchEpochs(gateway);
  } catch (thrown) {
    await clear();
    throw thrown;
  }

  const parts = { gateway, census, epochs };
  const { nats } = resolveHomeConfig(loadConfigFile(join(dir, "castellan.yaml"), HomeConfig), {
    home: dir,
    hostName: "here",
  });
  if (nats === null) throw new Error(`${dir}/castellan.yaml names no bus`);
  const journal = (): Told[] => readJournal(join(dir, "journal"));
  return {
    ...parts,
    dir,
    servers,
    server,
    bus,
    database: shared,
    busSettings: nats,
    journal,
    complaints: () => complaintsOf({ ...parts, journal, busSettings: nats }),
    cli,
    json,
    must,
    status,
    items: (...args) => json(z.array(WorkItemReport), "workitem", "list", ...args),
    async master() {
      const [state] = await parts.gateway.find("node_state");
      const members = await parts.gateway.find("node_cluster");
      const master = members.find(({ logical_machine_id: id }) => id === state?.master_id);
      return server(master?.physical_machine_name ?? "(nobody)");
    },
    awaitWhole: (withinMs = 120_000) =>
      eventually(
        async () => {
          const report = await status();
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
    async dispose() {
      try {
        for (const one of servers) one.thaw();
        if (servers.some((one) => one.part("worker") !== null)) {
          await must("down", "--timeout", "60");
          await eventually(() => findProcesses(dir).length === 0, {
            withinMs: 90_000,
            describe: `nothing is left: ${JSON.stringify(findProcesses(dir))}`,
          });
        }
      } finally {
        await clear();
      }
    },
  };
}

function ended(result: CliResult, args: readonly string[]): CliResult {
  if (result.code === 0) return result;
  throw new Error(`castellan ${args.join(" ")} ended with ${result.code}: ${said(result)}`);
}

/** What every home has; JSON is YAML. */
function writeHome(home: string, settings: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(home, "castellan.yaml"), JSON.stringify(settings));
  writeFileSync(join(home, "fspart"), "# nothing is watched\n");
}

function makeServer(
  name: string,
  home: string,
  cliAt: (home: string, ...args: string[]) => Promise<CliResult>,
): ClusterServer {
  const part = (which: "worker" | "watcher"): number | null => {
    try {
      const { pid } = PartFile.parse(JSON.parse(readFileSync(join(home, "run", `${which}.json`), "utf8")));
      return lives(pid) ? pid : null;
    } catch {
      return null;
    }
  };
  const signal = (what: NodeJS.Signals): void => {
    for (const which of PARTS) {
      const pid = part(which);
      if (pid !== null) process.kill(pid, what);
    }
  };
  return {
    name,
    home,
    part,
    killPair: () => killTogether(PARTS.flatMap((which) => part(which) ?? [])),
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    up: () => cliAt(home, "up", "--detach", "--bare"),
  };
}
