/**
 * `castellan.yaml`: the few settings a server must know before it can read the rest from the shared schema. Everything is
 * optional; an empty file means a node of one server with an embedded database and an embedded NATS server.
 */
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { NodeName, ServerName, serverNameOf } from "./names.ts";

const path = z.string().min(1).max(4096);

const NatsUrl = z
  .string()
  .regex(/^(nats|tls|ws|wss):\/\/[^\s/]+/, "write a NATS address, for example nats://127.0.0.1:4222");

const DatabaseUrl = z
  .string()
  .regex(
    /^(sqlite:.+|(postgres|postgresql|mssql|oracle):\/\/.+)$/,
    "write a database address: sqlite:PATH, postgres://, mssql:// or oracle://",
  );

/** What the file may hold; any other key is a mistake and is named. */
export const HomeConfig = z.strictObject({
  node: NodeName.prefault("castellan"),
  /** Default: the host's name. */
  server: ServerName.optional(),
  /** Absent: an embedded server on loopback. */
  nats: z
    .strictObject({
      url: NatsUrl,
      /** File with a NATS user's credentials. */
      credentials: path.optional(),
      tls: z.strictObject({ ca: path.optional(), cert: path.optional(), key: path.optional() }).optional(),
    })
    .optional(),
  /** Absent: SQLite in `data/`. */
  database: z.strictObject({ url: DatabaseUrl, passwordFile: path.optional() }).optional(),
});
export type HomeConfig = z.infer<typeof HomeConfig>;

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
    node: config.node,
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
