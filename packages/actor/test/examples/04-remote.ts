import {
  type ActorSystem,
  type Behavior,
  type CommandOf,
  createActorSystem,
  createMemoryHub,
  receive,
  setup,
} from "@castellan/actor";
import { CastellanError, createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { z } from "zod";

// What others may send, as data. A message with a `reply` is asked, one without is told.
const Stock = {
  actor: "stock",
  messages: {
    Add: { request: z.object({ item: z.string(), count: z.int().positive() }) },
    Take: { request: z.object({ item: z.string(), count: z.int() }), reply: z.object({ left: z.int() }) },
  },
} as const;

// The actor may have private messages besides; no network message becomes one of those.
type StockCommand = CommandOf<typeof Stock> | { type: "CountAgain" };

const createStock = (): Behavior<StockCommand> =>
  setup<StockCommand>(() => {
    const counts = new Map<string, number>();
    return receive<StockCommand>({
      Add: ({ item, count }) => void counts.set(item, (counts.get(item) ?? 0) + count),
      Take: ({ item, count }, replyTo) => {
        const left = (counts.get(item) ?? 0) - count;
        if (left < 0) {
          replyTo.refuse(new CastellanError("OUT_OF_STOCK", `not that many: ${item}`, { details: { item } }));
          return;
        }
        counts.set(item, left);
        replyTo.success({ left });
      },
      CountAgain: () => undefined,
    });
  });

// Two systems on a network; here one in memory. With `createNatsTransport` they may be on two continents.
const clock = createSystemClock();
const hub = createMemoryHub(clock);
const createSystem = (host: string): ActorSystem =>
  createActorSystem({
    host,
    transport: hub.connect(host),
    clock,
    rng: systemRng,
    logger: silentLogger,
    newId: createIdSource(clock, systemRng),
  });
const warehouse = createSystem("warehouse");
const shop = createSystem("shop");

// There: give the actor a public name. Here: a ref to that name. It is used like any other ref.
warehouse.expose(Stock, "shelf_1", warehouse.spawn(createStock(), "stock"));
const stock = shop.remote(Stock, { host: "warehouse", key: "shelf_1" });

stock.tell({ type: "Add", item: "apple", count: 3 });
export const taken = await stock.ask({ type: "Take", item: "apple", count: 1 }, { timeoutMs: 1000 });
// { left: 2 }
export const refused = await stock
  .ask({ type: "Take", item: "apple", count: 9 }, { timeoutMs: 1000 })
  .catch((thrown: unknown) => thrown);
// CastellanError { code: "OUT_OF_STOCK", details: { item: "apple" } }

await Promise.all([shop.stop(1000), warehouse.stop(1000)]);
