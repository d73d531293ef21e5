/** Whether a server may join a node, and how it comes to the node's bus. Decided over what the schema says. Pure. */
import { CastellanError } from "@castellan/kernel";
import type { HomeConfig } from "@castellan/protocol";
import { TRUST_SETTINGS } from "@castellan/trust";
import { isLoopback } from "./loopback.ts";

/** A server of the node as the schema knows it. */
export interface KnownMember {
  readonly name: string;
  readonly client: string | null;
  readonly cluster: string | null;
}

export interface JoinFacts {
  /** Of the server that joins: the settings of its home and the options, in one. */
  readonly config: HomeConfig;
  /** `nats_cluster` as recorded; null: never recorded. */
  readonly natsCluster: string | null;
  readonly master: string | null;
  /** The others. */
  readonly members: readonly KnownMember[];
}

/** The `nats` part of its settings; none: its bus is its own, as that of the only server. Throws BUS_NOT_SHARED, BUS_NOT_SAID with what to write where. */
export function busToJoin({ config, natsCluster, master, members }: JoinFacts): HomeConfig["nats"] {
  const own = config.nats;
  if (members.length === 0) return own;
  const host = master ?? members[0]?.name ?? "the master";
  if (natsCluster === "external" || own?.url !== undefined) {
    const url = own?.url ?? members.find(({ client }) => client !== null)?.client ?? null;
    if (url === null) throw notSaid(`the node has a bus of its own: say where with --bus nats://HOST:4222`);
    return { ...own, url };
  }
  const reachable = members.flatMap(({ name, cluster }) => (cluster === null ? [] : [{ name, cluster }]));
  if (reachable.length === 0) {
    throw new CastellanError(
      "BUS_NOT_SHARED",
      `the bus of ${host} is its own: no other server reaches it. On ${host}, \`castellan cert init --address ${host}\`, then write into castellan.yaml\n` +
        `nats: { listen: "${host}:4222", cluster: { listen: "${host}:6222", routes: [] }, tls: ${TLS} }\n` +
        `with the address by which the others reach it, then \`castellan reload\` there; its processes go on`,
      { details: { host } },
    );
  }
  if (own?.listen === undefined || own.cluster === undefined) {
    throw notSaid(
      "the servers of this node keep its bus together: say where this one is reached, with --listen HOST:4222 --cluster HOST:6222",
    );
  }
  const { listen } = own.cluster;
  const hidden = reachable.filter(({ cluster }) => isLoopback(cluster));
  if (!isLoopback(listen) && hidden.length === reachable.length) {
    throw new CastellanError(
      "BUS_NOT_SHARED",
      `the bus of ${hidden.map(({ name }) => name).join(", ")} is on loopback: no other host reaches it. Write an address of the ` +
        `network into nats.listen and nats.cluster.listen of castellan.yaml there, then \`castellan reload\` there; its processes go on`,
      { details: { members: hidden } },
    );
  }
  const routes = reachable.map(({ cluster }) => `nats://${cluster}`);
  return { ...own, cluster: { listen, routes: [...new Set([...routes, ...own.cluster.routes])], joins: true } };
}

const TLS = `{ ${Object.entries(TRUST_SETTINGS)
  .map(([key, file]) => `${key}: ${file}`)
  .join(", ")} }`;

const notSaid = (message: string): CastellanError => new CastellanError("BUS_NOT_SAID", message);

/** The node's schema must be one that every host reaches. Throws SCHEMA_NOT_SHARED. */
export function refuseEmbedded(url: string | null): void {
  if (url !== null && !url.startsWith("sqlite:")) return;
  throw new CastellanError(
    "SCHEMA_NOT_SHARED",
    url === null
      ? "say where the schema of the node is: --database postgres://USER@HOST:PORT/DATABASE; a node on SQLite has one server until " +
          "`castellan schema move URL` on it has moved its schema to a database server"
      : `${url} is for one host: on the server of the node, castellan schema move URL moves it to a database server; then join with --database URL`,
    { details: { url } },
  );
}
