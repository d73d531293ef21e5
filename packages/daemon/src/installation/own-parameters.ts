/** What a home takes for the parameters of its node, from its settings and what it remembers. */
import { join } from "node:path";
import { readSmallFile, readSmallFileSync, systemCode } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol/home";
import { writeDurably } from "@castellan/sentinel/pair";
import type { OwnParameters } from "@castellan/store";
import { trustRootsOf } from "@castellan/trust";
import { type HomePaths, makeHome } from "../home-paths.ts";

const NONE = "none";
const MAX_CA_BYTES = 1024 * 1024;
const MAX_ID_BYTES = 256;

/** The name of the NATS cluster that the servers of a node keep. */
export const natsClusterName = (node: string): string => `castellan_${node.toLowerCase()}`;

/** Throws CERTIFICATE_BROKEN, or the system's error, when the authority that the settings name cannot be read. */
export function ownParameters(
  settings: HomeSettings,
  schemaId: string | null,
  roots: readonly string[] = trustRoots(settings),
): OwnParameters {
  const { node, nats, natsServer } = settings;
  const tls = natsServer?.tls ?? null;
  return {
    node_name: [node],
    schema_id: schemaId === null ? [] : [schemaId],
    nats_cluster: [clusterOf(settings)],
    trust_root: roots,
    accounts: [tls !== null ? "cert" : nats !== null && nats.credentials !== null ? "credentials" : NONE],
  };
}

function trustRoots({ natsServer }: HomeSettings): readonly string[] {
  const tls = natsServer?.tls ?? null;
  return tls === null ? [NONE] : trustRootsOf(readSmallFileSync(tls.ca, MAX_CA_BYTES).toString("utf8"));
}

/** Of an authority that cannot be read now nothing is known. */
export function readableTrustRoots(settings: HomeSettings): readonly string[] {
  try {
    return trustRoots(settings);
  } catch {
    return []; // nobody is let in by it either; the watch over the certificate says what is wrong
  }
}

/** Of a bus that others keep nothing is known but that. */
function clusterOf({ node, nats, natsServer }: HomeSettings): string {
  if (nats !== null) return "external";
  return natsServer === null || natsServer.cluster === null ? NONE : natsClusterName(node);
}

const schemaIdFile = ({ data }: HomePaths): string => join(data, "schema-id");

/** Of the schema that this home has joined; null: none yet. */
export async function knownSchemaId(paths: HomePaths): Promise<string | null> {
  try {
    return (await readSmallFile(schemaIdFile(paths), MAX_ID_BYTES)).toString("utf8").trim() || null;
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

export async function rememberSchemaId(paths: HomePaths, id: string): Promise<void> {
  // Of a home that was written by hand there may be no more than castellan.yaml.
  makeHome(paths);
  try {
    await writeDurably(schemaIdFile(paths), `${id}\n`);
  } catch (thrown) {
    // Somebody else in this home wrote the same at the same moment, and took the draft along.
    if (systemCode(thrown) !== "ENOENT" || (await knownSchemaId(paths)) !== id) throw thrown;
  }
}
