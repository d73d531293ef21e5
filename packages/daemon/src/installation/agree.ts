/**
 * A server and its node agree on the parameters before anything else: what differs is refused by name, with both values. None
 * of them is a secret.
 */
import { CastellanError, type IdSource } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol/home";
import {
  type Gateway,
  insertIfAbsent,
  type OwnParameters,
  type ParameterDifference,
  type ParameterName,
  parameterDifferences,
  readParameters,
  recordParameters,
  replaceParameters,
  update,
  type Write,
} from "@castellan/store";
import type { HomePaths } from "../home-paths.ts";
import { knownSchemaId, ownParameters, readableTrustRoots, rememberSchemaId } from "./own-parameters.ts";

interface Wording {
  /** What a person calls it. */
  readonly what: string;
  readonly remedy: string;
}

const WORDING: Readonly<Record<ParameterName, Wording>> = {
  node_name: { what: "the node's name", remedy: "write the same `node` into castellan.yaml" },
  schema_id: {
    what: "the schema",
    remedy: "point database.url to the schema that this server has joined, or take a new home and join that one",
  },
  nats_cluster: {
    what: "the NATS cluster",
    remedy:
      "write nats.listen and nats.cluster (or nats.url, if the node has a bus of its own) as the other servers have it",
  },
  trust_root: {
    what: "the authority of the certificates",
    remedy:
      "install a certificate of the node: `castellan cert issue` on the master, its directory to `castellan join --trust`",
  },
  accounts: {
    what: "how servers show who they are on the bus",
    remedy:
      "write nats.tls (or leave it out) as the other servers have it; to change it for all of them, `castellan cert record` once the node is down",
  },
};

/** How a difference is said, and what to do about it. */
export const wordsOfDifference = ({ name, recorded, own }: ParameterDifference): string =>
  `${WORDING[name].what} is ${own} here, ${recorded} as recorded: ${WORDING[name].remedy}`;

export interface AgreeDeps {
  readonly gateway: Gateway;
  readonly settings: HomeSettings;
  readonly paths: HomePaths;
  readonly newId: IdSource;
}

/**
 * Records what the node has no record of, and compares the rest. Throws PARAMETERS_DIFFER. A server that is its node's only
 * member may have others: they are recorded in place of those, all but which node and which schema it is. Certificates that cannot be
 * read keep nobody from looking after its processes: they are compared once they can be.
 */
export async function agreeOnParameters({ gateway, settings, paths, newId }: AgreeDeps): Promise<void> {
  const schemaId = await knownSchemaId(paths);
  const own = ownParameters(settings, schemaId, readableTrustRoots(settings));
  await gateway.commit(recordParameters({ ...own, schema_id: [schemaId ?? newId()] }, await readParameters(gateway)));
  const recorded = await readParameters(gateway);
  const differences = await allowedDifferences(gateway, settings.server, recorded, own);
  if (differences.length > 0) await gateway.commit(replaceParameters(differences));
  const id = recorded.get("schema_id");
  if (id !== undefined && id !== schemaId) await rememberSchemaId(paths, id);
}

/** Whether a server would agree with its node by what its settings say now. Throws PARAMETERS_DIFFER, what `ownParameters` throws. Changes nothing. */
export async function refuseOtherParameters({ gateway, settings, paths }: Omit<AgreeDeps, "newId">): Promise<void> {
  const own = ownParameters(settings, await knownSchemaId(paths));
  await allowedDifferences(gateway, settings.server, await readParameters(gateway), own);
}

/** Of another schema in the same place a server takes nothing away, though it knows one of its name. Throws PARAMETERS_DIFFER. */
export async function refuseOtherSchema({ gateway, settings, paths }: Omit<AgreeDeps, "newId">): Promise<void> {
  const own = await knownSchemaId(paths);
  const recorded = (await readParameters(gateway)).get("schema_id");
  if (own === null || recorded === undefined || own === recorded) return;
  throw differ(settings.server, [{ name: "schema_id", recorded, own }]);
}

async function allowedDifferences(
  gateway: Gateway,
  server: string,
  recorded: ReadonlyMap<string, string>,
  own: OwnParameters,
): Promise<readonly ParameterDifference[]> {
  const differences = parameterDifferences(recorded, own);
  if (differences.length === 0) return differences;
  const isAnother = differences.some(({ name }) => name === "node_name" || name === "schema_id");
  if (isAnother || !(await isAlone(gateway, server))) throw differ(server, differences);
  return differences;
}

async function isAlone(gateway: Gateway, server: string): Promise<boolean> {
  const rows = await gateway.find("node_cluster", { limit: 2 });
  return rows.every((row) => row.physical_machine_name.toLowerCase() === server.toLowerCase());
}

export function differ(server: string, differences: readonly ParameterDifference[]): CastellanError {
  const [first, ...more] = differences.map(wordsOfDifference);
  return new CastellanError(
    "PARAMETERS_DIFFER",
    [`server ${server} was installed with other parameters than its node: ${first}`, ...more].join("\n"),
    { details: { server, differences } },
  );
}

/** As wide as its column. */
const MAX_ADDRESS = 1000;

/** Who comes in with a name and a password of his own tells them nobody. One that is too long is told by nobody. */
function shared(url: string): string | null {
  const told = url.replace(/\/\/[^/@,]*@/g, "//");
  return told.length > MAX_ADDRESS ? null : told;
}

const place = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`;

/** Where others reach the bus of a server, as its own settings say it. */
export async function recordAddress(gateway: Gateway, serverId: number, settings: HomeSettings): Promise<void> {
  const { nats, natsServer } = settings;
  const kept = natsServer === null ? null : place(natsServer.listen);
  const client_address = nats === null ? kept : shared(nats.url);
  const cluster_address = natsServer === null || natsServer.cluster === null ? null : place(natsServer.cluster.listen);
  const row = { client_address, cluster_address, leaving: false };
  const [known] = await gateway.find("member_address", { where: { logical_machine_id: serverId } });
  const writes: Write[] =
    known === undefined
      ? [insertIfAbsent("member_address", { logical_machine_id: serverId, ...row })]
      : [update("member_address", { logical_machine_id: serverId }, row, "any")];
  await gateway.commit(writes);
}
