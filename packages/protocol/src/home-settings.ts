/**
 * The settings of a home with every default filled in. Without schemas, for programs that should start fast: a home
 * that chooses nothing needs none.
 */
import { isAbsolute, join } from "node:path";
import type { HomeConfig } from "./home-config.ts";

export interface NatsSettings {
  readonly url: string;
  readonly credentials: string | null;
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null } | null;
}

/** The settings with every default filled in; file names are absolute. */
export interface HomeSettings {
  readonly home: string;
  readonly node: string;
  readonly server: string;
  /** Null: embedded. */
  readonly nats: NatsSettings | null;
  readonly database: { readonly url: string; readonly passwordFile: string | null };
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
    nats: nats
      ? {
          url: nats.url,
          credentials: orNull(nats.credentials),
          tls: nats.tls ? { ca: orNull(nats.tls.ca), cert: orNull(nats.tls.cert), key: orNull(nats.tls.key) } : null,
        }
      : null,
    database: {
      url: databaseUrl(database?.url ?? "sqlite:data/castellan.db", absolute),
      passwordFile: orNull(database?.passwordFile),
    },
  };
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
