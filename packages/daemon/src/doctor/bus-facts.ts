/** Whether the bus can be reached, stores events, and agrees about the time. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { connectLink } from "@castellan/actor/nats";
import {
  CastellanError,
  type Clock,
  type ClockSkew,
  clockSkew,
  ensureError,
  readSmallFileSync,
  silentLogger,
} from "@castellan/kernel";
import { createSubjects, Endpoints, type HomeSettings, type NatsSettings } from "@castellan/protocol";
import { keptBus } from "@castellan/protocol/home";
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "nats";
import { linkSettings } from "../bus/link-settings.ts";
import type { HomePaths } from "../home-paths.ts";
import { findNatsServer } from "../nats-server/find-binary.ts";

export interface BusFacts {
  readonly kind: "embedded" | "external";
  /** Of the program for the embedded server. */
  readonly program: { readonly path: string; readonly version: string } | { readonly problem: string } | null;
  /** Null: the embedded server has not run yet. */
  readonly url: string | null;
  readonly link:
    | { readonly kind: "reached"; readonly ms: number; readonly version: string; readonly jetStream: JetStreamFacts }
    | { readonly kind: "failed"; readonly code: string; readonly message: string }
    | null;
}

export type JetStreamFacts =
  | {
      readonly kind: "ready";
      readonly usedBytes: number;
      /** Negative: no limit. */
      readonly maxBytes: number;
      readonly hasEventsStream: boolean;
      /** Of the bus's clock; null without the events stream. */
      readonly skew: ClockSkew | null;
    }
  | { readonly kind: "failed"; readonly message: string };

const MAX_ENDPOINTS_BYTES = 64 * 1024;

export interface BusToExamine {
  readonly settings: HomeSettings;
  readonly paths: HomePaths;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

const CONNECT_MS = 2000;
const ASK_MS = 2000;
const STREAM_NOT_FOUND = 10_059;

export async function examineBus(bus: BusToExamine): Promise<BusFacts> {
  const { settings, paths, environment } = bus;
  if (settings.nats !== null) {
    return { kind: "external", program: null, url: settings.nats.url, link: await examineLink(bus, settings.nats) };
  }
  const url = embeddedUrl(paths);
  const link = url === null ? null : await examineLink(bus, keptBus(settings, url));
  return { kind: "embedded", program: await examineProgram(environment), url, link };
}

async function examineProgram(environment: BusToExamine["environment"]): Promise<BusFacts["program"]> {
  try {
    const path = findNatsServer(environment);
    const { stdout } = await promisify(execFile)(path, ["-v"], { timeout: ASK_MS });
    return { path, version: /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] ?? stdout.trim() };
  } catch (thrown) {
    return { problem: ensureError(thrown).message };
  }
}

function embeddedUrl(paths: HomePaths): string | null {
  if (!existsSync(paths.endpoints)) return null;
  try {
    return Endpoints.parse(JSON.parse(readSmallFileSync(paths.endpoints, MAX_ENDPOINTS_BYTES).toString("utf8")))
      .natsUrl;
  } catch {
    return null; // half a file after a crash: the next start writes it again
  }
}

async function examineLink({ settings, clock }: BusToExamine, nats: NatsSettings): Promise<BusFacts["link"]> {
  const startedMs = clock.bootMs();
  try {
    const link = await connectLink({
      ...linkSettings(nats),
      name: "castellan-doctor",
      clock,
      logger: silentLogger,
      firstConnectMs: CONNECT_MS,
    });
    try {
      const ms = Math.round(clock.bootMs() - startedMs);
      const version = link.connection.info?.version ?? "unknown";
      return { kind: "reached", ms, version, jetStream: await examineJetStream(link.connection, settings.node, clock) };
    } finally {
      await link.close();
    }
  } catch (thrown) {
    const { message } = ensureError(thrown);
    return { kind: "failed", code: thrown instanceof CastellanError ? thrown.code : "INTERNAL", message };
  }
}

async function examineJetStream(connection: NatsConnection, node: string, clock: Clock): Promise<JetStreamFacts> {
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: ASK_MS });
    const { storage, limits } = await manager.getAccountInfo();
    const stream = await timeOfStream(manager, createSubjects(node).eventsStream, clock);
    return { kind: "ready", usedBytes: storage, maxBytes: limits.max_storage, ...stream };
  } catch (thrown) {
    return { kind: "failed", message: ensureError(thrown).message };
  }
}

type Manager = Awaited<ReturnType<typeof jetstreamManager>>;

/** The server puts its time into what it says of a stream. */
async function timeOfStream(
  manager: Manager,
  name: string,
  clock: Clock,
): Promise<{ readonly hasEventsStream: boolean; readonly skew: ClockSkew | null }> {
  try {
    const before = clock.now().getTime();
    const { ts } = await manager.streams.info(name);
    const after = clock.now().getTime();
    const at = Date.parse(ts ?? "");
    return { hasEventsStream: true, skew: Number.isNaN(at) ? null : clockSkew(at, before, after) };
  } catch (thrown) {
    if (thrown instanceof JetStreamApiError && thrown.code === STREAM_NOT_FOUND) {
      return { hasEventsStream: false, skew: null };
    }
    throw thrown;
  }
}
