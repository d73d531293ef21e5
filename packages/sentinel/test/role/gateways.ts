/** A memory database behind a gateway that fails as told. */
import { CastellanError, type Clock } from "@castellan/kernel";
import { bootstrapNode, type Gateway, StoreAmbiguous, StoreUnavailable } from "@castellan/store";
import { createMemoryDatabase, createMemoryGateway, type MemoryDatabase } from "@castellan/store/memory";

/** What the next commits do: `lost` = refused as ambiguous before, `kept` = as ambiguous after it happened, `down` = unavailable. */
export type Fate = "ok" | "lost" | "kept" | "down";

export interface Flaky {
  readonly gateway: Gateway;
  readonly fates: Fate[];
  /** Called before the next commit, once. */
  before: (() => Promise<unknown>) | null;
  /** The same after it. */
  after: (() => Promise<unknown>) | null;
}

export function createFlaky(database: MemoryDatabase): Flaky {
  const inner = createMemoryGateway(database);
  const flaky: Flaky = {
    fates: [],
    before: null,
    after: null,
    gateway: {
      find: (table, query) => inner.find(table, query),
      close: () => inner.close(),
      commit: async (writes) => {
        const { before } = flaky;
        flaky.before = null;
        await before?.();
        const fate = flaky.fates.shift() ?? "ok";
        if (fate === "down") throw new StoreUnavailable("the database is away");
        if (fate === "lost") throw new StoreAmbiguous("the connection broke");
        const touched = await inner.commit(writes);
        const { after } = flaky;
        flaky.after = null;
        await after?.();
        if (fate === "kept") throw new StoreAmbiguous("the connection broke");
        return touched;
      },
    },
  };
  return flaky;
}

export async function twoServers(
  clock: Clock,
): Promise<{ database: MemoryDatabase; gateway: Gateway; hades: number; zeus: number }> {
  const database = createMemoryDatabase();
  const gateway = createMemoryGateway(database);
  const join = (server: string) => bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server, clock });
  const { serverId: hades } = await join("hades");
  const { serverId: zeus } = await join("zeus");
  return { database, gateway, hades, zeus };
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    return thrown instanceof CastellanError ? thrown.code : String(thrown);
  }
  return "no refusal";
}
