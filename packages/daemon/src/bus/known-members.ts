/**
 * Where the other members of the node's bus are, kept beside the store of the NATS server: the founder of a node that has lost its store
 * finds the others by it, and does not found a second bus that knows nothing of theirs. In castellan.yaml of a founder there is no other.
 */
import { join } from "node:path";
import { type Clock, ensureError, type Logger, readSmallFileSync, sleep } from "@castellan/kernel";
import type { NatsServerSettings } from "@castellan/protocol/home";
import { writeDurably } from "@castellan/sentinel/pair";
import type { Gateway } from "@castellan/store";
import type { HomePaths } from "../home-paths.ts";

export const membersFile = ({ data }: Pick<HomePaths, "data">): string => join(data, "bus-members");

const MAX_BYTES = 64 * 1024;
const ROUTE = /^nats:\/\/[^\s/,@]+:\d{1,5}$/;

/** Their routes as they were known last; none in a new home, and what is none is passed over. */
export function knownMembers(paths: Pick<HomePaths, "data">): readonly string[] {
  try {
    const lines = readSmallFileSync(membersFile(paths), MAX_BYTES).toString("utf8").split("\n");
    return lines.filter((line) => ROUTE.test(line));
  } catch {
    return []; // then those of castellan.yaml are all it knows
  }
}

/** A member looks for those that it knows, too. Pure. */
export function withMembers(settings: NatsServerSettings | null, routes: readonly string[]): NatsServerSettings | null {
  if (settings === null || settings.cluster === null) return settings;
  const { cluster } = settings;
  const own = `nats://${cluster.listen.host}:${cluster.listen.port}`;
  const all = new Set([...cluster.routes, ...routes].filter((route) => route !== own));
  return { ...settings, cluster: { ...cluster, routes: [...all] } };
}

export interface MembersDeps {
  readonly paths: HomePaths;
  readonly gateway: Pick<Gateway, "find">;
  readonly serverId: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Between two looks, milliseconds. */
const LOOK_MS = 15_000;

/** Writes down who belongs to the bus, whenever that has changed. Ends when `close` is called, which waits for a look under way. */
export function rememberMembers(deps: MembersDeps): { close(): Promise<void> } {
  const { clock, log } = deps;
  const ending = new AbortController();
  const work = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        await rememberOnce(deps);
      } catch (thrown) {
        log.debug("the members of the bus cannot be written down now", { error: ensureError(thrown) });
      }
      await sleep(clock, LOOK_MS, ending.signal);
    }
  };
  const working = work();
  return {
    async close() {
      ending.abort();
      await working;
    },
  };
}

export async function rememberOnce({ paths, gateway, serverId }: Omit<MembersDeps, "clock" | "log">): Promise<void> {
  const rows = await gateway.find("member_address");
  const routes = rows.flatMap(({ logical_machine_id: id, cluster_address: address, leaving }) =>
    id === serverId || leaving || address === null ? [] : [`nats://${address}`],
  );
  const now = routes.toSorted();
  if (now.join("\n") === knownMembers(paths).join("\n")) return;
  await writeDurably(membersFile(paths), `${now.join("\n")}\n`);
}
