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
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null } | null;
}

/** `host` as it was written: an IPv6 address in brackets. */
export interface ListenSettings {
  readonly host: string;
  readonly port: number;
}

/** The NATS server that a sentinel keeps, where that is more than one on loopback. */
export interface NatsServerSettings {
  readonly listen: ListenSettings;
  /** `routes`: the cluster addresses of the other members. */
  readonly cluster: { readonly listen: ListenSettings; readonly routes: readonly string[] } | null;
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
    node: config.node ?? "castellan",
    server: config.server ?? serverNameOf(hostName),
    servers: config.servers ?? [],
    nats:
      nats?.url === undefined
        ? null
        : {
            url: nats.url,
            credentials: orNull(nats.credentials),
            tls: nats.tls ? { ca: orNull(nats.tls.ca), cert: orNull(nats.tls.cert), key: orNull(nats.tls.key) } : null,
          },
    natsServer: natsServerSettings(nats),
    fenceCommand: config.fenceCommand ?? null,
    database: {
      url: databaseUrl(database?.url ?? "sqlite:data/castellan.db", absolute),
      passwordFile: orNull(database?.passwordFile),
    },
  };
}

function natsServerSettings(nats: HomeConfig["nats"]): NatsServerSettings | null {
  if (nats?.listen === undefined) return null;
  const { listen, cluster } = nats;
  if (cluster === undefined) return { listen: listenSettings(listen), cluster: null };
  const routes = new Set(cluster.routes.filter((route) => route !== `nats://${cluster.listen}`));
  return { listen: listenSettings(listen), cluster: { listen: listenSettings(cluster.listen), routes: [...routes] } };
}

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
