/**
 * Finds actors by what they understand. Who seeks nothing hears nothing, and n systems that offer cost n messages a
 * period, however many listen.
 */
import type { Clock, IdSource, Logger } from "@castellan/kernel";
import type { Listing, Receptionist } from "../actor.ts";
import type { Protocol } from "../protocol.ts";
import type { ErasedRef } from "../ref.ts";
import { pathOf } from "../remote/address.ts";
import type { Address, Transport } from "../transport/transport.ts";
import type { Announcer } from "./announcement.ts";
import { Offers } from "./offers.ts";
import { Search } from "./search.ts";

export interface ReceptionistDeps {
  readonly host: string;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: IdSource;
  /** A ref to a listed actor. */
  readonly connect: (protocol: Protocol, address: Address) => ErasedRef;
}

export class ReceptionDesk implements Receptionist {
  readonly #deps: ReceptionistDeps;
  readonly #self: Announcer;
  readonly #offers: Offers;
  readonly #searches = new Map<string, Search>();
  #unlink: (() => void) | null = null;
  #upSinceMs = 0;
  #closed = false;

  constructor(deps: ReceptionistDeps) {
    this.#deps = deps;
    this.#self = { host: deps.host, system: deps.newId() };
    this.#offers = new Offers({
      ...deps,
      self: this.#self,
      hear: (actor, announcement) => this.#searches.get(actor)?.hear(announcement),
    });
  }

  /** Lists one of this system's actors until called back. */
  offer(actor: string, key: string): () => void {
    this.#attach();
    return this.#offers.add(actor, key);
  }

  subscribe<P extends Protocol>(protocol: P, listener: (listing: Listing<P>) => void): () => void {
    if (this.#closed) return () => undefined;
    this.#attach();
    const { actor } = protocol;
    const search = this.#searches.get(actor) ?? this.#openSearch(actor);
    let last: string | null = null;
    const end = search.follow(() => {
      const addresses = search.addresses();
      const now = addresses.map(pathOf).join("\n");
      if (last === now) return;
      last = now;
      listener(new Map(addresses.map((address) => [pathOf(address), this.#deps.connect(protocol, address)])));
    });
    return () => {
      end();
      if (search.isWanted) return;
      search.close();
      if (this.#searches.get(actor) === search) this.#searches.delete(actor);
    };
  }

  find<P extends Protocol>(protocol: P, { withinMs }: { readonly withinMs: number }): Promise<Listing<P>> {
    return new Promise((resolve) => {
      let found: Listing<P> = new Map();
      let subscribed = false;
      const done = (): void => {
        timer.cancel();
        unsubscribe();
        resolve(found);
      };
      const timer = this.#deps.clock.after(withinMs, done);
      const unsubscribe = this.subscribe(protocol, (listing) => {
        found = listing;
        if (listing.size > 0 && subscribed) done();
      });
      subscribed = true;
      if (found.size > 0 || this.#closed) done();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unlink?.();
    this.#offers.close();
    for (const search of this.#searches.values()) search.close();
    this.#searches.clear();
  }

  #openSearch(actor: string): Search {
    const search = new Search({ ...this.#deps, self: this.#self, actor, upSinceMs: () => this.#upSinceMs });
    this.#searches.set(actor, search);
    search.hear(this.#offers.announcementOf(actor));
    this.#offers.askFor(actor);
    return search;
  }

  /** A system that neither offers nor seeks does nothing at all. */
  #attach(): void {
    if (this.#unlink !== null) return;
    const { transport, clock } = this.#deps;
    this.#upSinceMs = clock.bootMs();
    const onLink = (up: boolean): void => {
      if (!up) return;
      this.#upSinceMs = clock.bootMs();
      this.#offers.announceAll();
      for (const actor of this.#searches.keys()) this.#offers.askFor(actor);
    };
    this.#unlink = transport?.onLink(onLink) ?? (() => undefined);
  }
}
