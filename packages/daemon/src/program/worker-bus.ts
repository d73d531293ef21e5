/** The bus of a worker: the configured one, or a NATS server that it keeps itself; and what watches over both. */
import { systemRng } from "@castellan/kernel";
import type { HomeSettings, Subjects } from "@castellan/protocol";
import { keptBus } from "@castellan/protocol/home";
import { createProcReader } from "@castellan/sentinel/pair";
import { copiesOf } from "../bus/events-stream.ts";
import { knownMembers, withMembers } from "../bus/known-members.ts";
import { type LateBus, openLateBus } from "../bus/late-bus.ts";
import { type TrustWatch, trustFilesOf, watchTrust } from "../bus/trust-watch.ts";
import { natsClusterName } from "../installation/own-parameters.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../nats-server/embedded.ts";
import { findNatsServer } from "../nats-server/find-binary.ts";
import { watchStore } from "../nats-server/watch-store.ts";
import type { WorkerOptions, WorkerRim } from "./worker-rim.ts";

export interface WorkerBus {
  readonly bus: LateBus;
  /** Where clients find it. */
  readonly url: string;
  /** Null: it needs no certificates of this server. */
  readonly trust: TrustWatch | null;
  /** Of a NATS server kept here that is a member of the node's cluster; null: there is none. */
  readonly openSystem: EmbeddedNats["openSystem"] | null;
  /** A NATS server that is kept here ends with this worker, instead of being left to the next. */
  endsInOrder(): void;
}

export async function openWorkerBus(
  options: WorkerOptions,
  rim: WorkerRim,
  settings: HomeSettings,
  subjects: Subjects,
): Promise<WorkerBus> {
  const { clock, log, ending } = rim;
  const kept = settings.nats === null ? await keepNats(options, rim, settings) : null;
  const isMember = (settings.natsServer?.cluster ?? null) !== null;
  const natsSettings = settings.nats ?? keptBus(settings, kept?.url ?? "");
  const bus = openLateBus({
    settings: natsSettings,
    copies: copiesOf(settings),
    server: settings.server,
    subjects,
    clock,
    log,
  });
  ending.add("bus", () => bus.close());
  if (kept !== null) {
    const { restart } = kept;
    const watch = watchStore({ refusingMs: () => bus.refusingMs(), restart, isMember, clock, log });
    ending.add("store watch", () => watch.cancel());
  }
  const trust = watchOwnTrust(rim, settings, () => kept?.reload());
  return {
    bus,
    url: natsSettings.url,
    trust,
    openSystem: kept !== null && isMember ? () => kept.openSystem() : null,
    endsInOrder: () => kept?.endsInOrder(),
  };
}

async function keepNats(
  { environment }: WorkerOptions,
  { paths, clock, log, ending }: WorkerRim,
  { node, server, natsServer }: HomeSettings,
): Promise<Pick<EmbeddedNats, "url" | "restart" | "reload" | "openSystem"> & { endsInOrder(): void }> {
  const kept = await keepEmbeddedNats({
    paths,
    clock,
    log,
    proc: createProcReader(),
    rng: systemRng,
    environment,
    binary: findNatsServer(environment),
    serverName: server,
    clusterName: natsClusterName(node),
    settings: withMembers(natsServer, knownMembers(paths)),
  });
  let inOrder = false;
  ending.add("nats-server", () => (inOrder ? kept.stop() : kept.leave()));
  return {
    url: kept.url,
    restart: () => kept.restart(),
    reload: () => kept.reload(),
    openSystem: () => kept.openSystem(),
    endsInOrder() {
      inOrder = true;
    },
  };
}

/** The kept server reads certificates that were exchanged; those that connect read them anyway. */
function watchOwnTrust(
  { clock, log, ending }: WorkerRim,
  settings: HomeSettings,
  reload: () => void,
): TrustWatch | null {
  const files = trustFilesOf(settings);
  if (files === null) return null;
  const watch = watchTrust({ files, clock, log, exchanged: reload });
  ending.add("trust watch", () => watch.close());
  return watch;
}
