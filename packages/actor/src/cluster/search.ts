/**
 * What is known of the listed actors of one protocol, for as long as somebody here wants to know. Silence of a system counts
 * only while the own link was up the whole time: who is cut off judges nobody.
 */
import { type Clock, ensureError, type Logger, type Timer } from "@castellan/kernel";
import type { Address, Transport } from "../transport/transport.ts";
import { ANNOUNCE_EVERY_MS, Announcement, type Announcer, group, LISTED, nameOf } from "./announcement.ts";

/** Announcements that may be missed before a system is no longer listed. */
const MISSED = 3;
/** The most systems listed: a bound against whoever can publish on the subject. */
const MOST_SYSTEMS = 10_000;
/** A name that cannot be an address is not listed. */
const TOKEN = /^[a-z0-9_-]{1,128}$/;

export interface SearchDeps {
  readonly self: Announcer;
  readonly actor: string;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Since when the link has been up without a break, boot-time. */
  readonly upSinceMs: () => number;
}

export class Search {
  readonly #deps: SearchDeps;
  readonly #systems = new Map<string, Announcement & { readonly heardMs: number }>();
  readonly #listeners = new Set<() => void>();
  readonly #serving: { close(): void } | undefined;
  #sweep: Timer | null = null;

  constructor(deps: SearchDeps) {
    this.#deps = deps;
    this.#serving = deps.transport?.serve(group("listings", deps.actor), (verb, body) => {
      if (verb === LISTED) this.#read(body);
    });
    this.#sweepLater();
  }

  get isWanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls back at once, and at each announcement. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#tell(listener);
    return () => this.#listeners.delete(listener);
  }

  hear(announcement: Announcement): void {
    const name = nameOf(announcement);
    if (announcement.keys.length === 0) this.#systems.delete(name);
    else if (this.#systems.has(name) || this.#systems.size < MOST_SYSTEMS) {
      this.#systems.set(name, { ...announcement, heardMs: this.#deps.clock.bootMs() });
    }
    this.#changed();
  }

  /** Ordered by host and key; each once. */
  addresses(): Address[] {
    const { actor } = this.#deps;
    const byPath = new Map<string, Address>();
    for (const { host, keys } of this.#systems.values()) {
      for (const key of keys) byPath.set(`${host}/${key}`, { host, actor, key });
    }
    return [...byPath.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
  }

  close(): void {
    this.#serving?.close();
    this.#sweep?.cancel();
    this.#listeners.clear();
  }

  #read(body: Uint8Array): void {
    try {
      const announcement = Announcement.parse(JSON.parse(new TextDecoder().decode(body)));
      if (TOKEN.test(announcement.host) && announcement.keys.every((key) => TOKEN.test(key))) this.hear(announcement);
    } catch (thrown) {
      const { logger, actor } = this.#deps;
      logger.warn("an announcement cannot be read", { actor, error: ensureError(thrown) });
    }
  }

  #sweepLater(): void {
    const { clock, self, transport, upSinceMs } = this.#deps;
    this.#sweep = clock.after(ANNOUNCE_EVERY_MS, () => {
      const silentMs = MISSED * ANNOUNCE_EVERY_MS;
      const nowMs = clock.bootMs();
      const judges = transport?.up === true && nowMs - upSinceMs() > silentMs;
      const own = nameOf(self);
      for (const [name, { heardMs }] of this.#systems) {
        if (judges && name !== own && nowMs - heardMs > silentMs) this.#systems.delete(name);
      }
      this.#changed();
      this.#sweepLater();
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) this.#tell(listener);
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      this.#deps.logger.error("a subscriber to a listing threw", { error: ensureError(thrown) });
    }
  }
}
