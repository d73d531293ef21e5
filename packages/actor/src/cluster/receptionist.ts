/**
 * Finds actors by protocol over exact subjects, two per protocol: on `_all/listings/{actor}` those who offer announce,
 * on `_all/offers/{actor}` those who seek ask for an announcement. An offering system says all its keys each time, so a
 * lost message costs one period and nothing has to be put together.
 *
 * 1. Who seeks nothing hears nothing; n systems that offer cost n messages a period, whoever listens.
 * 2. Silence counts only while the own link was up the whole time: who is cut off judges nobody.
 */
import { type Clock, ensureError, type IdSource, type Logger, type Timer } from "@castellan/kernel";
import { z } from "zod";
import type { Listing, Receptionist } from "../actor.ts";
import type { Protocol } from "../protocol.ts";
import type { ErasedRef } from "../ref.ts";
import { pathOf } from "../remote/address.ts";
import { encodeReply, NO_HEADERS } from "../remote/wire.ts";
import type { Address, Transport } from "../transport/transport.ts";

export interface ReceptionistDeps {
  readonly host: string;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: IdSource;
  /** A ref to a listed actor. */
  readonly connect: (protocol: Protocol, address: Address) => ErasedRef;
}

const ANNOUNCE_EVERY_MS = 5000;
/** Announcements that may be missed before a system is no longer listed. */
const MISSED = 3;
/** What changes within this time is said at once, milliseconds. */
const GATHER_MS = 5;
/** The most systems listed for one protocol: a bound against whoever can publish on the subject. */
const MOST_SYSTEMS = 10_000;

const LISTED = "_listed";
const REPORT = "_report";

const Announcement = z.object({
  host: z.string().max(128),
  /** Tells systems of one host name apart. */
  system: z.string().max(64),
  keys: z.array(z.string().max(128)),
});
type Announcement = z.infer<typeof Announcement>;

const group = (actor: "listings" | "offers", key: string): Address => ({ host: "_all", actor, key });

const nameOf = ({ host, system }: { host: string; system: string }): string => `${host} ${system}`;

interface Offer {
  readonly keys: Map<string, number>;
  readonly serving: { close(): void } | undefined;
  soon: Timer | null;
  period: Timer | null;
}

interface Search {
  readonly systems: Map<string, Announcement & { heardMs: number }>;
  readonly listeners: Set<() => void>;
  readonly serving: { close(): void } | undefined;
  sweep: Timer | null;
}

export class ReceptionDesk implements Receptionist {
  readonly #deps: ReceptionistDeps;
  readonly #system: string;
  readonly #offers = new Map<string, Offer>();
  readonly #searches = new Map<string, Search>();
  #unlink: (() => void) | null = null;
  /** Since when the link has been up without a break, boot-time. */
  #upSinceMs = 0;
  #closed = false;

  constructor(deps: ReceptionistDeps) {
    this.#deps = deps;
    this.#system = deps.newId();
  }

  /** Lists one of this system's actors until called back. */
  offer(actor: string, key: string): () => void {
    this.#attach();
    const offer = this.#offers.get(actor) ?? this.#openOffer(actor);
    offer.keys.set(key, (offer.keys.get(key) ?? 0) + 1);
    this.#announceSoon(actor, offer);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (offer.keys.get(key) ?? 1) - 1;
      if (left > 0) offer.keys.set(key, left);
      else offer.keys.delete(key);
      if (!this.#closed) this.#announceSoon(actor, offer);
    };
  }

  subscribe<P extends Protocol>(protocol: P, listener: (listing: Listing<P>) => void): () => void {
    if (this.#closed) return () => undefined;
    this.#attach();
    const { actor } = protocol;
    const search = this.#searches.get(actor) ?? this.#openSearch(actor);
    let last: string | null = null;
    const tell = (): void => {
      const addresses = this.#addresses(actor, search);
      const paths = addresses.map(pathOf);
      if (last === paths.join("\n")) return;
      last = paths.join("\n");
      listener(new Map(addresses.map((address) => [pathOf(address), this.#deps.connect(protocol, address)])));
    };
    search.listeners.add(tell);
    this.#guarded(tell);
    return () => {
      search.listeners.delete(tell);
      if (search.listeners.size === 0) this.#closeSearch(actor, search);
    };
  }

  find<P extends Protocol>(protocol: P, { withinMs }: { readonly withinMs: number }): Promise<Listing<P>> {
    return new Promise((resolve) => {
      let found: Listing<P> = new Map();
      const done = (): void => {
        timer.cancel();
        unsubscribe();
        resolve(found);
      };
      const timer = this.#deps.clock.after(withinMs, done);
      let subscribed = false;
      const unsubscribe = this.subscribe(protocol, (listing) => {
        found = listing;
        if (listing.size > 0 && subscribed) done();
      });
      subscribed = true;
      if (found.size > 0 || this.#closed) done();
    });
  }

  /** Says that nothing of this system is listed any more, and ends all searches. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlink?.();
    for (const [actor, offer] of this.#offers) {
      offer.soon?.cancel();
      offer.period?.cancel();
      if (offer.keys.size > 0 || offer.soon !== null)
        this.#send(group("listings", actor), LISTED, { ...this.#self, keys: [] });
      offer.serving?.close();
    }
    for (const [actor, search] of this.#searches) this.#closeSearch(actor, search);
  }

  get #self(): { readonly host: string; readonly system: string } {
    return { host: this.#deps.host, system: this.#system };
  }

  #attach(): void {
    const { transport, clock } = this.#deps;
    if (this.#unlink !== null) return;
    this.#upSinceMs = clock.bootMs();
    const onLink = (up: boolean): void => {
      if (!up) return;
      this.#upSinceMs = clock.bootMs();
      for (const [actor, offer] of this.#offers) this.#announceSoon(actor, offer);
      for (const actor of this.#searches.keys()) this.#send(group("offers", actor), REPORT, {});
    };
    this.#unlink = transport?.onLink(onLink) ?? (() => undefined);
  }

  // -- offering ------------------------------------------------------------------------------------------------------

  #openOffer(actor: string): Offer {
    const serving = this.#deps.transport?.serve(group("offers", actor), (verb) => {
      if (verb === REPORT) this.#announceSoon(actor, offer);
    });
    const offer: Offer = { keys: new Map(), serving, soon: null, period: null };
    this.#offers.set(actor, offer);
    return offer;
  }

  #announceSoon(actor: string, offer: Offer): void {
    if (this.#closed) return;
    offer.soon ??= this.#deps.clock.after(GATHER_MS, () => {
      offer.soon = null;
      this.#announce(actor, offer);
    });
  }

  #announce(actor: string, offer: Offer): void {
    const announcement = { ...this.#self, keys: [...offer.keys.keys()].sort() };
    offer.period?.cancel();
    offer.period = null;
    this.#hear(actor, announcement); // this very system, with or without a network
    this.#send(group("listings", actor), LISTED, announcement);
    if (offer.keys.size > 0) {
      offer.period = this.#deps.clock.after(ANNOUNCE_EVERY_MS, () => this.#announce(actor, offer));
    }
  }

  #send(address: Address, verb: string, body: unknown): void {
    const { transport, logger } = this.#deps;
    if (transport?.up !== true) return; // said again when the link is back
    try {
      transport.send(address, verb, encodeReply(body), NO_HEADERS);
    } catch (thrown) {
      logger.warn("could not announce what is listed", { address: pathOf(address), error: ensureError(thrown) });
    }
  }

  // -- seeking -------------------------------------------------------------------------------------------------------

  #openSearch(actor: string): Search {
    const serving = this.#deps.transport?.serve(group("listings", actor), (verb, body) => {
      if (verb === LISTED) this.#onAnnouncement(actor, body);
    });
    const search: Search = { systems: new Map(), listeners: new Set(), serving, sweep: null };
    this.#searches.set(actor, search);
    const own = this.#offers.get(actor);
    if (own !== undefined) this.#hear(actor, { ...this.#self, keys: [...own.keys.keys()].sort() });
    this.#send(group("offers", actor), REPORT, {});
    this.#sweepLater(actor, search);
    return search;
  }

  #closeSearch(actor: string, search: Search): void {
    search.serving?.close();
    search.sweep?.cancel();
    search.listeners.clear();
    if (this.#searches.get(actor) === search) this.#searches.delete(actor);
  }

  #onAnnouncement(actor: string, body: Uint8Array): void {
    let announcement: Announcement;
    try {
      announcement = Announcement.parse(JSON.parse(new TextDecoder().decode(body)));
    } catch (thrown) {
      this.#deps.logger.warn("an announcement cannot be read", { actor, error: ensureError(thrown) });
      return;
    }
    this.#hear(actor, announcement);
  }

  #hear(actor: string, announcement: Announcement): void {
    const search = this.#searches.get(actor);
    if (search === undefined) return;
    const name = nameOf(announcement);
    if (announcement.keys.length === 0) search.systems.delete(name);
    else if (search.systems.has(name) || search.systems.size < MOST_SYSTEMS) {
      search.systems.set(name, { ...announcement, heardMs: this.#deps.clock.bootMs() });
    }
    this.#changed(search);
  }

  #sweepLater(actor: string, search: Search): void {
    search.sweep = this.#deps.clock.after(ANNOUNCE_EVERY_MS, () => {
      const { clock, transport } = this.#deps;
      const silentMs = MISSED * ANNOUNCE_EVERY_MS;
      const nowMs = clock.bootMs();
      const judges = transport?.up === true && nowMs - this.#upSinceMs > silentMs;
      const own = nameOf(this.#self);
      for (const [name, { heardMs }] of search.systems) {
        if (judges && name !== own && nowMs - heardMs > silentMs) search.systems.delete(name);
      }
      this.#changed(search);
      this.#sweepLater(actor, search);
    });
  }

  #changed(search: Search): void {
    for (const tell of search.listeners) this.#guarded(tell);
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#deps.logger.error("a subscriber to a listing threw", { error: ensureError(thrown) });
    }
  }

  #addresses(actor: string, search: Search): Address[] {
    const byPath = new Map<string, Address>();
    for (const { host, keys } of search.systems.values()) {
      for (const key of keys) byPath.set(`${host}/${key}`, { host, actor, key });
    }
    return [...byPath.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
  }
}
