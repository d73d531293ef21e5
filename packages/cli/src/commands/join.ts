/**
 * `castellan join [DIR]`: installs another server of a node that is there. Adds it to the shared schema, which it neither makes
 * nor changes otherwise, when it has everything in common with the others that a server of the node must have.
 */
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type AdminContext, joinServer } from "@castellan/admin";
import {
  differ,
  hasJoined,
  homePaths,
  initialiseHome,
  knownSchemaId,
  makeHome,
  natsAnswers,
  ownParameters,
  SETTINGS_FILE,
} from "@castellan/daemon";
import { CastellanError, silentLogger } from "@castellan/kernel";
import { type HomeConfig, type HomeSettings, NodeName, parseName, ServerName } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { parameterDifferences, readParameters, SchemaError } from "@castellan/store";
import { readNodeState } from "@castellan/store/state";
import { EXIT } from "../exit-code.ts";
import { homeOption } from "../home-option.ts";
import { recordServer } from "../installation/first-server.ts";
import { busToJoin, type KnownMember, refuseEmbedded } from "../installation/join-decision.ts";
import { withSchema } from "../installation/open-schema.ts";
import { configIn, configOf, type InstallOptions } from "../installation/options.ts";
import { settingsText } from "../installation/settings-text.ts";
import { bringTrust, foundTrust, keptTrustRoots, securedBus, trustRootsIn } from "../installation/trust.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

export const run: Run<[string | undefined, InstallOptions]> = async (invocation, directory, options) => {
  const { io, json } = invocation;
  const home = directory === undefined ? invocation.home : resolve(io.cwd, directory);
  const paths = homePaths(home);
  const { passwordFile } = options;
  const asked = { ...options, ...(passwordFile !== undefined && { passwordFile: resolve(io.cwd, passwordFile) }) };
  const config = merged(configIn(paths.config), configOf(asked));
  const settings = resolveHomeConfig(config, { home, hostName: io.hostName });
  const kept = keptSchema(settings.database.url);
  if (kept === null) refuseEmbedded(config.database?.url ?? null);
  const result = await withSchema(invocation, settings, "never", (ctx) =>
    joinNode(invocation, ctx, { home, config, options, refuses: kept === null ? null : refuseOthersOf(kept) }),
  ).catch((thrown: unknown): never => {
    throw thrown instanceof SchemaError && thrown.details["found"] === 0 ? noNodeYet(settings.database.url) : thrown;
  });
  if (json) printJson(invocation, { home, ...result });
  else {
    const at = homeOption(io, home);
    io.out(
      result.wasMember
        ? `${result.server} (#${result.id}) is a member of node ${result.node} already: nothing was changed\n`
        : `${result.server} (#${result.id}) is a member of node ${result.node} now${withOthers(result.others)}\nnext:\n  castellan up${at}\n`,
    );
  }
  return EXIT.done;
};

interface Joining {
  readonly home: string;
  readonly config: HomeConfig;
  readonly options: InstallOptions;
  /** Asked with the names of the node's other servers; null: there may be any. */
  readonly refuses: ((others: readonly string[]) => void) | null;
}

/** The file that a schema is in, as `uninstall` has left it: its server is installed again. Null: none is there. */
function keptSchema(url: string): string | null {
  const file = url.startsWith("sqlite:") ? url.slice("sqlite:".length) : "";
  return existsSync(file) ? file : null;
}

const refuseOthersOf =
  (file: string) =>
  (others: readonly string[]): void => {
    const [known] = others;
    if (known === undefined) return;
    throw new CastellanError(
      "SCHEMA_NOT_SHARED",
      `${file} is for one server, and knows ${known}: castellan join --server ${known} installs it again; for another one castellan schema move URL first`,
      { details: { file, known } },
    );
  };

async function joinNode(invocation: Invocation, ctx: AdminContext, { home, config, options, refuses }: Joining) {
  const { io } = invocation;
  const { gateway } = ctx;
  const paths = homePaths(home);
  const [[row], recorded, addresses] = await Promise.all([
    gateway.find("nodes", { limit: 1 }),
    readParameters(gateway),
    gateway.find("member_address"),
  ]);
  if (row === undefined) throw noNodeYet(config.database?.url ?? "");
  const { servers, masterId } = await readNodeState(gateway);
  // Without a word about it, it joins the node that is there.
  const node = config.node ?? parseName(NodeName, row.node_name);
  const named = resolveHomeConfig({ ...config, node }, { home, hostName: io.hostName });
  const others = servers.filter(({ name }) => name.toLowerCase() !== named.server.toLowerCase());
  refuses?.(others.map(({ name }) => name));
  const self = servers.find((server) => !others.includes(server));
  const schemaId = await knownSchemaId(paths);
  if (
    self !== undefined &&
    schemaId === recorded.get("schema_id") &&
    (schemaId !== undefined || (await hasJoined(paths.ledger, named, silentLogger)))
  ) {
    return {
      node: row.node_name,
      server: self.name,
      id: self.id,
      wasMember: true,
      others: others.map(({ name }) => name),
    };
  }
  const members = others.map(({ id, name }): KnownMember => {
    const address = addresses.find((one) => one.logical_machine_id === id && !one.leaving);
    return { name, client: address?.client_address ?? null, cluster: address?.cluster_address ?? null };
  });
  const nats = busToJoin({
    config,
    natsCluster: recorded.get("nats_cluster") ?? null,
    master: servers.find(({ id }) => id === masterId)?.name ?? null,
    members,
  });
  const plain: HomeConfig = {
    ...config,
    node,
    server: parseName(ServerName, named.server),
    ...(nats !== undefined && { nats }),
  };
  const trust = options.trust === undefined ? null : resolve(io.cwd, options.trust);
  const kept = trust === null ? await keptTrustRoots(home, recorded.get("trust_root")) : null;
  const joined = trust === null && kept === null ? plain : securedBus(plain);
  const settings = resolveHomeConfig(joined, { home, hostName: io.hostName });
  const roots = trust === null ? (kept ?? undefined) : trustRootsIn(trust, settings);
  const differences = parameterDifferences(recorded, ownParameters(settings, schemaId, roots));
  if (differences.length > 0) throw differ(settings.server, differences);
  await refuseSilentBus(
    others.filter(({ state }) => state === "up").map(({ name }) => name),
    members,
  );
  makeHome(paths); // what cannot be written is not joined
  const { id, name } = await joinServer({ ...ctx, node }, settings.server);
  if (trust !== null) await bringTrust(trust, settings);
  if (kept !== null) await foundTrust(settings, io.hostName);
  writeSettings(settings, joined);
  await recordServer({ ...ctx, node }, settings);
  return { node: row.node_name, server: name, id, wasMember: false, others: others.map((other) => other.name) };
}

/** Of servers that are up one must answer: the sentinel that comes here would wait for it for ever. Asked as a client: to members TLS is silent until they speak. Throws NOT_REACHABLE. */
async function refuseSilentBus(up: readonly string[], members: readonly KnownMember[]): Promise<void> {
  const asked = members.filter(({ name, cluster, client }) => up.includes(name) && (cluster ?? client) !== null);
  if (asked.length === 0) return;
  const answers = await Promise.all(asked.map(({ cluster, client }) => natsAnswers(client ?? cluster ?? "")));
  if (answers.includes(true)) return;
  const places = asked.map(({ name, cluster, client }) => `${name} (${client ?? cluster})`).join(", ");
  throw new CastellanError(
    "NOT_REACHABLE",
    `the bus of ${places} does not answer from here: is that the address of the network, and open in its firewall?`,
    { retryable: true },
  );
}

function writeSettings({ home }: HomeSettings, config: HomeConfig): void {
  const paths = homePaths(home);
  const more = existsSync(paths.config) ? "" : SETTINGS_FILE.text;
  writeFileSync(paths.config, settingsText("What this server joined its node with.", config, more));
  initialiseHome(paths, null, { without: ["etc"] });
}

function merged(there: HomeConfig, asked: HomeConfig): HomeConfig {
  const nats = there.nats === undefined ? asked.nats : { ...there.nats, ...asked.nats };
  return { ...there, ...asked, ...(nats !== undefined && { nats }) };
}

const withOthers = (names: readonly string[]): string => (names.length === 0 ? "" : `, with ${names.join(", ")}`);

function noNodeYet(url: string): CastellanError {
  return new CastellanError(
    "NO_NODE_YET",
    `${url} holds no node yet: the master is installed first, with castellan init --database ${url} on its host`,
    { details: { url } },
  );
}
