/** The row of a server's grant, as its holder reads and writes it: under its incarnation, and only from what it believes. */
import type { Clock } from "@castellan/kernel";
import { type Gateway, insert, StoreConflict, StoreDuplicate, update, type Write } from "@castellan/store";
import { stillCurrent } from "../role/incarnation.ts";
import type { HolderEffect, HolderEvent } from "./holding.ts";
import { parseGrant, type Terms } from "./terms.ts";

type EffectOf<Kind extends HolderEffect["kind"]> = Extract<HolderEffect, { readonly kind: Kind }>;

/** Each answers with what happened, and rejects when the schema does not say: it is away, or the answer was lost. */
export interface GrantRow {
  read(id: number): Promise<HolderEvent>;
  renew(effect: EffectOf<"renew">): Promise<HolderEvent>;
  take(effect: EffectOf<"take">): Promise<HolderEvent>;
  /** Revokes it, if it is not revoked yet: this server ends in order. */
  giveUp(generation: number): Promise<void>;
}

export interface GrantRowDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly incarnation: number;
  readonly clock: Clock;
  /** A later worker of this server counts. */
  readonly onSuperseded: () => void;
}

export function createGrantRow({ gateway, serverId, incarnation, clock, onSuperseded }: GrantRowDeps): GrantRow {
  const key = { logical_machine_id: serverId };
  const mine = () => stillCurrent(serverId, incarnation, clock.now());
  const columns = ({ members, periodMs }: Terms) => ({
    incarnation,
    members: JSON.stringify(members),
    period_ms: periodMs,
  });
  const write = async (id: number, change: Write): Promise<HolderEvent> => {
    try {
      await gateway.commit([mine(), change]);
      return { type: "written", id };
    } catch (thrown) {
      if (thrown instanceof StoreConflict && thrown.index === 0) onSuperseded();
      if (thrown instanceof StoreConflict || thrown instanceof StoreDuplicate) return { type: "refused", id };
      throw thrown;
    }
  };
  return {
    async read(id) {
      const [row] = await gateway.find("server_grant", { where: key });
      return { type: "read", id, row: row === undefined ? null : parseGrant(row) };
    },
    renew({ id, generation, renewals, terms }) {
      const believed = { ...key, generation, renewals, revoked: false };
      return write(id, update("server_grant", believed, { renewals: renewals + 1, ...columns(terms) }));
    },
    take({ id, from, terms }) {
      const fresh = {
        generation: from + 1,
        renewals: 0,
        revoked: false,
        ended: null,
        fencing: null,
        ...columns(terms),
      };
      const taking =
        from === 0
          ? insert("server_grant", { ...key, ...fresh })
          : update("server_grant", { ...key, generation: from, revoked: true }, fresh);
      return write(id, taking);
    },
    async giveUp(generation) {
      const current = { ...key, generation, revoked: false };
      await gateway.commit([mine(), update("server_grant", current, { revoked: true, ended: "stopped" }, "any")]);
    },
  };
}
