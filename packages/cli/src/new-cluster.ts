/**
 * A new home of several servers on one machine, for trying a cluster out. Below it each server has a home of its own with a
 * NATS server that is a member of the cluster; the schema is one, in the outer home or wherever the example says.
 */
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { homePaths, initialiseHome, makeHome } from "@castellan/daemon";
import { CastellanError, createSystemClock } from "@castellan/kernel";
import { loadConfigFile } from "@castellan/kernel/config";
import { HomeConfig, NodeSpec } from "@castellan/protocol";
import { DEFAULT_NODE, nodeDomain } from "@castellan/protocol/home";
import { TRUST_SETTINGS } from "@castellan/trust";
import { freePorts } from "./free-ports.ts";

const NAMES = ["hades", "zeus", "hera", "ares", "apollo", "athena", "hermes", "hestia", "demeter"];
/** What of an example is for the whole node. */
const SHARED = ["types.yaml", "etc"];
/** What of an example is for real hosts. */
const HOSTS = "hosts";

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly routePort: number;
}

/** Answers the servers' names. `example`: a directory, or null for none. Throws EXAMPLE_NEEDS_MORE, CONFIG_INVALID, NO_FREE_PORT. */
export async function makeCluster(home: string, count: number, example: string | null): Promise<readonly string[]> {
  const names = serverNames(count, example === null ? [] : namedServers(example));
  const given = example === null ? {} : exampleSettings(example);
  const ports = await freePorts(2 * count);
  const members = names.map((name, i) => ({ name, clientPort: ports[2 * i] ?? 0, routePort: ports[2 * i + 1] ?? 0 }));
  makeHome(homePaths(home));
  for (const file of SHARED) {
    const from = join(example ?? "", file);
    if (example !== null && existsSync(from)) cpSync(from, join(home, file), { recursive: true, force: false });
  }
  if (example === null) initialiseHome(homePaths(home), null, { without: ["castellan.yaml", "fspart"] });
  for (const member of members) {
    const inner = homePaths(join(home, member.name));
    makeHome(inner);
    writeFileSync(inner.config, memberSettings(member, members, home, given));
    initialiseHome(inner, example, { without: [...SHARED, HOSTS] });
  }
  await foundTrust(home, members, given.node ?? DEFAULT_NODE);
  // Last: with it the home is that of a cluster.
  writeFileSync(join(home, "castellan.yaml"), outerSettings(members, given));
  return names;
}

/** The servers know each other by certificates, and whoever works in the outer home has one too. */
async function foundTrust(home: string, members: readonly Member[], node: string): Promise<void> {
  const { foundAuthority, hasAuthority } = await import("@castellan/trust/authority");
  const { issueOwn, OPERATOR } = await import("./own-trust.ts");
  const now = createSystemClock().now();
  if (!hasAuthority(home)) await foundAuthority(home, node, now); // an attempt that was cut short has made it
  const servers = members.map(
    ({ name }) => ({ home: join(home, name), name, bearer: "server", addresses: ["127.0.0.1"] }) as const,
  );
  await issueOwn(home, [{ home, name: OPERATOR, bearer: "client", addresses: [] }, ...servers], { node, now });
}

/** Those that the example names, filled up. Pure. */
export function serverNames(count: number, named: readonly string[]): readonly string[] {
  if (named.length > count) {
    throw new CastellanError(
      "EXAMPLE_NEEDS_MORE",
      `the example is for the servers ${named.join(", ")}: use --servers ${named.length}`,
      { details: { named, count } },
    );
  }
  return [...named, ...NAMES.filter((name) => !named.includes(name))].slice(0, count);
}

function namedServers(example: string): readonly string[] {
  const file = join(example, "types.yaml");
  if (!existsSync(file)) return [];
  const keys = Object.keys(loadConfigFile(file, NodeSpec).servers).map((key) => key.toLowerCase());
  return keys.filter((key) => key !== "master");
}

/** Of an example's own settings: the node's name and the database; the rest is made here. */
function exampleSettings(example: string): Pick<HomeConfig, "node" | "database"> {
  const file = join(example, "castellan.yaml");
  if (!existsSync(file)) return {};
  const { node, database } = loadConfigFile(file, HomeConfig);
  return { ...(node && { node }), ...(database && { database }) };
}

type Given = Pick<HomeConfig, "node" | "database">;

function outerSettings(members: readonly Member[], { node, database }: Given): string {
  return text("The home of several servers on one machine: each has a home of its own below, named after it.", {
    node,
    servers: members.map(({ name }) => name),
    nats: {
      url: members.map(({ clientPort }) => `nats://127.0.0.1:${clientPort}`).join(","),
      tls: { ...TRUST_SETTINGS, name: nodeDomain(node ?? DEFAULT_NODE) },
    },
    database,
  });
}

function memberSettings(self: Member, members: readonly Member[], home: string, { node, database }: Given): string {
  const url = database?.url ?? "sqlite:data/castellan.db";
  const file = database?.passwordFile;
  return text("One of the servers of the home above. It keeps its ports.", {
    node,
    server: self.name,
    nats: {
      listen: `127.0.0.1:${self.clientPort}`,
      tls: TRUST_SETTINGS,
      cluster: {
        listen: `127.0.0.1:${self.routePort}`,
        routes: members
          .filter(({ name }) => name !== self.name)
          .map(({ routePort }) => `nats://127.0.0.1:${routePort}`),
      },
    },
    database: {
      url: /^sqlite:(?!\/)/.test(url) ? `sqlite:../${url.slice("sqlite:".length)}` : url,
      passwordFile: file === undefined || isAbsolute(file) ? file : join(home, file),
    },
  });
}

/** JSON is YAML. */
function text(comment: string, settings: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(settings).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${JSON.stringify(value)}`],
  );
  return [`# ${comment}`, ...lines, ""].join("\n");
}
