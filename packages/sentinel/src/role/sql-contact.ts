/** How long ago the schema was certainly reached: every answer counts, a refusal too, from the moment it was asked for. */
import type { Clock } from "@castellan/kernel";
import { type Gateway, StoreConflict, StoreDuplicate } from "@castellan/store";

export interface SqlContact {
  /** The given one, watched. */
  readonly gateway: Gateway;
  /** Milliseconds; null = not reached yet. */
  ageMs(): number | null;
}

export function watchSqlContact(gateway: Gateway, clock: Pick<Clock, "bootMs">): SqlContact {
  let lastMs: number | null = null;
  const confirm = (askedMs: number): void => {
    lastMs = Math.max(lastMs ?? askedMs, askedMs);
  };
  return {
    gateway: {
      async find(table, query) {
        const askedMs = clock.bootMs();
        const rows = await gateway.find(table, query);
        confirm(askedMs);
        return rows;
      },
      async commit(writes) {
        const askedMs = clock.bootMs();
        try {
          const touched = await gateway.commit(writes);
          confirm(askedMs);
          return touched;
        } catch (thrown) {
          if (thrown instanceof StoreConflict || thrown instanceof StoreDuplicate) confirm(askedMs);
          throw thrown;
        }
      },
      close: () => gateway.close(),
    },
    ageMs: () => (lastMs === null ? null : Math.round(clock.bootMs() - lastMs)),
  };
}
