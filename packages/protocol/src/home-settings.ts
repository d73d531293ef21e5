/**
 * The settings of a home with every default filled in. Without schemas, for programs that should start fast: a home
 * that chooses nothing needs none.
 */
import { isAbsolute, join } from "node:path";
import type { HomeConfig } from "./home-config.ts";

export interface NatsSettings {
  /** One address, or several with commas between them. */
  readonly url: string;
  readonly credentials: string | null;
  readonly tls: TlsSettings | null;
}

/** Names of files, PEM; `cert` and `key` may be the same one. */
export interface TlsSettings {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** That the server's certificate must carry; null: the host of its address. */
  readonly name: string | null;
}

/** What both sides of a connection between servers of a node need. */
export interface MutualTls extends TlsSettings {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly name: string;
}

/** `host` as it was written: an IPv6 address in brackets. */
export interface ListenSettings {
  readonly host: string;
  readonly port: number;
}

/** The NATS server that a sentinel keeps, where that is more than one on loopback. */
export interface NatsServerSettings {
  readonly listen: ListenSettings;
  /** Clients and members must show a certificate of the same authority; null: plain text, and everybody is let in. */
  readonly tls: MutualTls | null;
  /** `routes`: the cluster addresses of the other members. `joins`: they have founded the cluster; this one never does. */
  readonly cluster: {
    readonly listen: ListenSettings;
    readonly routes: readonly string[];
    readonly joins: boolean;
  } | null;
}

/** The settings with every default filled in; file names are absolute. */
export interface HomeSettings {
  readonly home: string;
  readonly node: string;
  readonly server: string;
  /** The servers whose homes are below this one; empty: this is the home of one. */
  readonly servers: readonly string[];
  /** A bus that others keep; null: this sentinel keeps a NATS server. */
  readonly nats: NatsSettings | null;
  /** How the kept NATS server listens; null: on loopback, on any free port. */
  readonly natsServer: NatsServerSettings | null;
  readonly database: { readonly url: string; readonly passwordFile: string | null };
  /** Run by the master against a lost server; null: there is none. */
  readonly fenceCommand: readonly string[] | null;
}

export const DEFAULT_NODE = "castellan";

/** Fills in the defaults; relative names are meant from `home`, which is absolute. */
export function resolveHomeConfig(
  config: HomeConfig,
  { home, hostName }: { readonly home: string; readonly hostName: string },
): HomeSettings {
  const absolute = (name: string): string => (isAbsolute(name) ? name : join(home, name));
  const orNull = (name: string | undefined): string | null => (name === undefined ? null : absolute(name));
  const { nats, database } = config;
  return {
    home,
    node: config.node ?? DEFAULT_NODE,
    server: config.server ?? serverNameOf(hostName),
    servers: config.servers ?? [],
    nats:
      nats?.url === undefined
        ? null
        : {
            url: nats.url,
            credentials: orNull(nats.credentials),
            tls: nats.tls
              ? {
                  ca: orNull(nats.tls.ca),
                  cert: orNull(nats.tls.cert),
                  key: orNull(nats.tls.key),
                  name: nats.tls.name ?? null,
                }
              : null,
          },
    natsServer: natsServerSettings(config, absolute),
    fenceCommand: config.fenceCommand ?? null,
    database: {
      url: databaseUrl(database?.url ?? "sqlite:data/castellan.db", absolute),
      passwordFile: orNull(database?.passwordFile),
    },
  };
}

function natsServerSettings({ nats, node }: HomeConfig, absolute: (name: string) => string): NatsServerSettings | null {
  if (nats?.listen === undefined) return null;
  const { cluster } = nats;
  const { ca, cert, key } = nats.tls ?? {};
  const isSecured = ca !== undefined && cert !== undefined && key !== undefined;
  const routes = new Set(cluster?.routes.filter((route) => route !== `nats://${cluster.listen}`));
  return {
    listen: listenSettings(nats.listen),
    tls: isSecured
      ? { ca: absolute(ca), cert: absolute(cert), key: absolute(key), name: nodeDomain(node ?? DEFAULT_NODE) }
      : null,
    cluster:
      cluster === undefined
        ? null
        : { listen: listenSettings(cluster.listen), routes: [...routes], joins: cluster.joins ?? false },
  };
}

/** How to reach the server that is kept, once its address is known. */
export function keptBus({ natsServer }: Pick<HomeSettings, "natsServer">, url: string): NatsSettings {
  return { url, credentials: null, tls: natsServer?.tls ?? null };
}

/** The name that the certificates of a node's servers have in common, and nobody else's. */
export const nodeDomain = (node: string): string => `${node}.castellan`.toLowerCase();

function listenSettings(address: string): ListenSettings {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

function databaseUrl(url: string, absolute: (name: string) => string): string {
  return url.startsWith("sqlite:") ? `sqlite:${absolute(url.slice("sqlite:".length))}` : url;
}

/** Every character that no name may hold becomes `-`, so any host name gives a server name. */
function serverNameOf(hostName: string): string {
  const name = hostName
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "-")
    .slice(0, 64);
  return name === "" ? "localhost" : name;
}
