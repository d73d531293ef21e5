/** The configuration of the NATS server that a sentinel keeps: JetStream synced on every write. */
import type { NatsServerSettings } from "@castellan/protocol/home";

/** Whose password the server of each home has. */
export const SYSTEM_USER = "castellan";

export interface NatsServerConfig extends NatsServerSettings {
  /** Null: it stores nothing. */
  readonly storeDirectory: string | null;
  /** It writes where it listens to a file here, once it does. */
  readonly portsDirectory: string;
  readonly pidFile: string;
  /** What it prints before it has read this goes there too. */
  readonly logFile: string;
  /** In a cluster the store's peers know each other by it: the same for life, and different for each. */
  readonly serverName: string;
  /** Members of another node's cluster are turned away by it. */
  readonly clusterName: string;
  /** Of the system account; null: it has no user. Everybody else needs none. */
  readonly systemPassword: string | null;
  /** It joins a cluster and has never been in it: the address where it listens for members, as a number; else null. */
  readonly newcomerAt: string | null;
  /** It elects leaders, never is one, and stores nothing of others: a port on loopback where nobody is; null: as each other one. */
  readonly observesAt: number | null;
}

/** JetStream may keep this much on disk, bytes. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;
/** No stream is put where so little is free; 0 would say as much as there is. */
const NO_BYTES = 1;
/** Of one log file; it keeps this many that are full, bytes. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const FULL_LOGS = 1;

/** JSON strings are valid strings of the server's own grammar. */
export function natsServerConfig(config: NatsServerConfig): string {
  const { listen, storeDirectory, portsDirectory, pidFile, logFile, serverName, tls } = config;
  return `# written at every start; changes here are lost
listen: "${listen.host}:${listen.port}"
server_name: ${JSON.stringify(serverName)}
pid_file: ${JSON.stringify(pidFile)}
ports_file_dir: ${JSON.stringify(portsDirectory)}
log_file: ${JSON.stringify(logFile)}
logfile_size_limit: ${MAX_LOG_BYTES}
logfile_max_num: ${FULL_LOGS + 1}
${tlsConfig(tls, "")}max_payload: 1048576
ping_interval: "2s"
ping_max: 2
write_deadline: "2s"
${storeConfig(storeDirectory, config.observesAt === null ? MAX_FILE_BYTES : NO_BYTES)}${clusterConfig(config)}${observerConfig(config.observesAt)}`;
}

/** JetStream takes who is a leaf of another system account for an extension of it, which waits for that one's leader. */
function observerConfig(port: number | null): string {
  if (port === null) return "";
  return `leafnodes { remotes: [ { url: "nats-leaf://127.0.0.1:${port}", account: "$SYS" } ] }
`;
}

function storeConfig(directory: string | null, maxBytes: number): string {
  if (directory === null) return "";
  return `jetstream {
  store_dir: ${JSON.stringify(directory)}
  max_file_store: ${maxBytes}
  sync_interval: always
}
`;
}

/** How long a handshake may take, seconds: hosts may be slow. */
const HANDSHAKE_S = 5;

/** Whoever connects shows a certificate of the same authority, or is turned away. */
function tlsConfig(tls: NatsServerConfig["tls"], indent: string, more: readonly string[] = []): string {
  if (tls === null) return "";
  const lines = [
    "tls {",
    `  cert_file: ${JSON.stringify(tls.cert)}`,
    `  key_file: ${JSON.stringify(tls.key)}`,
    `  ca_file: ${JSON.stringify(tls.ca)}`,
    "  verify: true",
    `  timeout: ${HANDSHAKE_S}`,
    ...more,
    "}",
  ];
  return lines.map((line) => `${indent}${line}\n`).join("");
}

/**
 * Servers with an empty store elect a leader among themselves, and it takes the lead from the one that is there, and forgets
 * what that stored, if they are as many as each of them expects: the more routes it is given, the more. Who joins a cluster
 * expects more than ever come at one moment; those that are not there are routes to itself, which lead nowhere. A number:
 * certificates of other members would be asked for a name written here.
 */
const NEWCOMERS = 64;

function clusterConfig({ cluster, clusterName, systemPassword, tls, newcomerAt }: NatsServerConfig): string {
  if (cluster === null) return "";
  const own = `${cluster.listen.host}:${cluster.listen.port}`;
  // JetStream asks for a route; one to itself is none.
  const others = cluster.routes.length === 0 ? [`nats://${own}`] : cluster.routes;
  const more = newcomerAt === null ? 0 : NEWCOMERS;
  const selves = Array.from({ length: more }, (_, i) => `nats://${newcomerAt ?? ""}:${cluster.listen.port}/${i}`);
  const routes = [...others, ...selves];
  return `${accountsConfig(systemPassword)}cluster {
  name: ${JSON.stringify(clusterName)}
  listen: "${own}"
  ${ROUTES}[${routes.map((route) => JSON.stringify(route)).join(", ")}]
${membersConfig(tls)}}
`;
}

const ROUTES = "routes: ";

const withoutRoutes = (text: string): string => text.replace(new RegExp(`^ *${ROUTES}.*$`, "m"), "");

/** A member is who shows the name that the servers of the node have in common: the authority gives clients certificates without it. */
function membersConfig(tls: NatsServerConfig["tls"]): string {
  if (tls === null) return "";
  return `  authorization { user: ${JSON.stringify(tls.name)} }\n${tlsConfig(tls, "  ", ["  verify_and_map: true"])}`;
}

/** The same but for whom it meets first: members that are there tell of each other. */
export function isSameButRoutes(one: string, other: string): boolean {
  return withoutRoutes(one) === withoutRoutes(other);
}

/** With users of this account alone, who names none is in the ordinary one. */
function accountsConfig(password: string | null): string {
  if (password === null) return "";
  return `accounts { "$SYS": { users: [ { user: ${JSON.stringify(SYSTEM_USER)}, password: ${JSON.stringify(password)} } ] } }
`;
}
