/**
 * The watcher of a clustered server speaks on the bus: it says once a second how its worker is, and answers whoever asks
 * whether the worker is just being brought back. Loaded only where there is a bus of several servers; whatever fails here
 * keeps the watcher from nothing.
 */
import { hostname } from "node:os";
import { connectLink, type Link, mayAnswer } from "@castellan/actor/nats";
import { type Clock, ensureError, type Logger, sleep, type Timer } from "@castellan/kernel";
import {
  createSubjects,
  encodeBody,
  type HomeSettings,
  type NatsSettings,
  Watcher,
  type WatcherHeartbeat,
  type WorkerState,
} from "@castellan/protocol";
import { keptBus } from "@castellan/protocol/home";
import { linkSettings } from "../bus/link-settings.ts";
import type { HomePaths } from "../home-paths.ts";
import { readSettings } from "../settings.ts";

export interface VoiceDeps {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Logger;
  readonly worker: () => WorkerState;
}

const EVERY_MS = 1000;
const AGAIN_MS = 1000;
const ROUND_MS = 30_000;

/** Speaks until the result is called, as soon as there is a bus. Never throws. */
export function speakForWorker(deps: VoiceDeps): () => Promise<void> {
  const ending = new AbortController();
  const speaking = speak(deps, ending.signal).catch((thrown: unknown) => {
    deps.log.warn("the watcher has no voice on the bus", { error: ensureError(thrown) });
  });
  return async () => {
    ending.abort();
    await speaking;
  };
}

async function speak(deps: VoiceDeps, signal: AbortSignal): Promise<void> {
  const { paths, log } = deps;
  const settings = readSettings(paths, hostname());
  const bus = sharedBus(settings);
  if (bus === null) return;
  const link = await connectPatiently(bus, settings.server, deps, signal);
  if (link === null) return;
  const timer = talk(link, settings, deps);
  log.info("the watcher can be asked for its worker");
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  timer.cancel();
  await link.close();
}

/** Null: nobody else is on it. */
function sharedBus({ nats, natsServer }: HomeSettings): NatsSettings | null {
  if (nats !== null) return nats;
  if (natsServer === null || natsServer.cluster === null) return null;
  const { host, port } = natsServer.listen;
  const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "[::]" ? "[::1]" : host;
  return keptBus({ natsServer }, `nats://${reached}:${port}`);
}

/** Null when it is told to end first. */
async function connectPatiently(
  bus: NatsSettings,
  server: string,
  { clock, log }: VoiceDeps,
  signal: AbortSignal,
): Promise<Link | null> {
  while (!signal.aborted) {
    try {
      const options = { name: `castellan-watcher-${server}`, logger: log, clock, firstConnectMs: ROUND_MS };
      const link = await connectLink({ ...linkSettings(bus), ...options });
      if (!signal.aborted) return link;
      await link.close();
    } catch (thrown) {
      log.warn("no connection to the bus yet", { error: ensureError(thrown) });
      await sleep(clock, AGAIN_MS, signal);
    }
  }
  return null;
}

function talk({ connection }: Link, { node, server }: HomeSettings, { clock, log, worker }: VoiceDeps): Timer {
  const subjects = createSubjects(node);
  const name = server.toLowerCase();
  const heartbeat = subjects.build({ kind: "heartbeat", server: name, part: "watcher" });
  const vouch = subjects.build({ kind: "request", server: name, actor: Watcher.actor, key: "-", verb: "vouch" });
  connection.subscribe(vouch, {
    callback: (error, message) => {
      if (error !== null) {
        log.warn("the watcher cannot be asked for its worker", { error });
        return;
      }
      try {
        const reply = message.reply ?? "";
        if (mayAnswer(reply, message.subject)) message.respond(encodeBody({ worker: worker() }));
      } catch (thrown) {
        log.debug("a question for the watcher was not answered", { error: ensureError(thrown) });
      }
    },
  });
  let progress = 0;
  let timer: Timer | null = null;
  const beat = (): void => {
    progress += 1;
    if (!connection.isClosed()) {
      connection.publish(heartbeat, encodeBody({ progress, worker: worker() } satisfies WatcherHeartbeat));
    }
    timer = clock.after(EVERY_MS, beat);
  };
  beat();
  return { cancel: () => timer?.cancel() };
}
