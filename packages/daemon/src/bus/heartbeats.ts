/**
 * Hears heartbeats: the master those of every server, everybody else only the master's, so that a node of n servers costs
 * n messages a second and not n times n. When one was heard is this server's own clock; what it says is never a verdict.
 */
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import { decodeBody, Heartbeat, type Subjects, WatcherHeartbeat } from "@castellan/protocol";
import type { NatsConnection } from "nats";
import type { LateBus } from "./late-bus.ts";

export type HeardBeat =
  | { readonly server: string; readonly part: "worker"; readonly atMs: number; readonly beat: Heartbeat }
  | { readonly server: string; readonly part: "watcher"; readonly atMs: number; readonly beat: WatcherHeartbeat };

export interface Heartbeats {
  /** The last one of a server's worker; `atMs` on the boot-time clock. Null = none heard. */
  last(server: string): { readonly atMs: number; readonly beat: Heartbeat } | null;
  lastOfWatcher(server: string): { readonly atMs: number; readonly beat: WatcherHeartbeat } | null;
  close(): void;
}

export interface HeartbeatsDeps {
  readonly bus: Pick<LateBus, "onArrival">;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
  /** One server, or every one. */
  readonly of: "all" | { readonly server: string };
  /** Must not throw. */
  readonly onBeat?: (heard: HeardBeat) => void;
}

/** Servers of a node that are remembered; more are heard and forgotten. */
const MAX_SERVERS = 10_000;

export function listenHeartbeats(deps: HeartbeatsDeps): Heartbeats {
  const { bus, subjects, clock, log } = deps;
  const workers = new Map<string, { atMs: number; beat: Heartbeat }>();
  const watchers = new Map<string, { atMs: number; beat: WatcherHeartbeat }>();
  let close: (() => void) | null = null;

  const heard = (subject: string, body: Uint8Array): void => {
    const from = subjects.parse(subject);
    if (from?.kind !== "heartbeat") return;
    const atMs = clock.bootMs();
    const { server, part } = from;
    if (part === "worker") {
      const beat = Heartbeat.parse(decodeBody(body));
      if (workers.size < MAX_SERVERS || workers.has(server)) workers.set(server, { atMs, beat });
      deps.onBeat?.({ server, part, atMs, beat });
      return;
    }
    const beat = WatcherHeartbeat.parse(decodeBody(body));
    if (watchers.size < MAX_SERVERS || watchers.has(server)) watchers.set(server, { atMs, beat });
    deps.onBeat?.({ server, part, atMs, beat });
  };
  const listen = (connection: NatsConnection): void => {
    const subject = deps.of === "all" ? subjects.allHeartbeats : subjects.heartbeatsOf(deps.of.server);
    const subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) {
          log.error("heartbeats are not received", { error });
          return;
        }
        try {
          heard(message.subject, message.data);
        } catch (thrown) {
          log.debug("a heartbeat that is none", { subject: message.subject, error: ensureError(thrown) });
        }
      },
    });
    close = () => subscription.unsubscribe();
  };
  const withdraw = bus.onArrival(listen);
  return {
    last: (server) => workers.get(server.toLowerCase()) ?? null,
    lastOfWatcher: (server) => watchers.get(server.toLowerCase()) ?? null,
    close() {
      withdraw();
      close?.();
    },
  };
}
