/** The listed actors of this system, announced when they change and every few seconds; nothing while there are none. */
import { type Clock, ensureError, type Logger, type Timer } from "@castellan/kernel";
import { pathOf } from "../remote/address.ts";
import { encodeReply, NO_HEADERS } from "../remote/wire.ts";
import type { Address, Transport } from "../transport/transport.ts";
import { ANNOUNCE_EVERY_MS, type Announcement, type Announcer, group, LISTED, REPORT } from "./announcement.ts";

/** What changes within this time is said at once, milliseconds. */
const GATHER_MS = 5;

export interface OffersDeps {
  readonly self: Announcer;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This very system listens too, with or without a network. */
  readonly hear: (actor: string, announcement: Announcement) => void;
}

interface Offer {
  /** How often each key is offered: an actor may be exposed anew before the old name is closed. */
  readonly keys: Map<string, number>;
  readonly serving: { close(): void } | undefined;
  soon: Timer | null;
  period: Timer | null;
}

export class Offers {
  readonly #deps: OffersDeps;
  readonly #byActor = new Map<string, Offer>();
  #closed = false;

  constructor(deps: OffersDeps) {
    this.#deps = deps;
  }

  /** Lists one actor until called back. */
  add(actor: string, key: string): () => void {
    const offer = this.#byActor.get(actor) ?? this.#open(actor);
    offer.keys.set(key, (offer.keys.get(key) ?? 0) + 1);
    this.#announceSoon(actor, offer);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (offer.keys.get(key) ?? 1) - 1;
      if (left > 0) offer.keys.set(key, left);
      else offer.keys.delete(key);
      this.#announceSoon(actor, offer);
    };
  }

  announcementOf(actor: string): Announcement {
    return { ...this.#deps.self, keys: [...(this.#byActor.get(actor)?.keys.keys() ?? [])].sort() };
  }

  announceAll(): void {
    for (const [actor, offer] of this.#byActor) this.#announceSoon(actor, offer);
  }

  /** Asks the others to announce. */
  askFor(actor: string): void {
    this.#send(group("offers", actor), REPORT, {});
  }

  /** Says that nothing of this system is listed any more. */
  close(): void {
    this.#closed = true;
    for (const [actor, { keys, serving, soon, period }] of this.#byActor) {
      soon?.cancel();
      period?.cancel();
      if (keys.size > 0 || soon !== null)
        this.#send(group("listings", actor), LISTED, { ...this.#deps.self, keys: [] });
      serving?.close();
    }
  }

  #open(actor: string): Offer {
    const serving = this.#deps.transport?.serve(group("offers", actor), (verb) => {
      if (verb === REPORT) this.#announceSoon(actor, offer);
    });
    const offer: Offer = { keys: new Map(), serving, soon: null, period: null };
    this.#byActor.set(actor, offer);
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
    const announcement = this.announcementOf(actor);
    offer.period?.cancel();
    offer.period = null;
    this.#deps.hear(actor, announcement);
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
}
