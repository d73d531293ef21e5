import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  type CommandOf,
  createActorSystem,
  createMemoryEpochs,
  createMemoryHub,
  createSingleton,
  receive,
  restart,
  setup,
  supervise,
  type TerminationReason,
} from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { z } from "zod";

const Ledger = {
  actor: "ledger",
  messages: {
    Book: {
      request: z.object({ cents: z.int() }),
      reply: z.object({ total: z.int(), host: z.string(), epoch: z.int() }),
    },
  },
} as const;
type LedgerCommand = CommandOf<typeof Ledger>;

const createLedger = (host: string, epoch: number): Behavior<LedgerCommand> =>
  setup<LedgerCommand>(() => {
    let total = 0; // what must outlive its host belongs into a database, written with the epoch
    return receive<LedgerCommand>({
      Book: ({ cents }, replyTo) => {
        total += cents;
        replyTo.success({ total, host, epoch });
      },
    });
  });

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

// The arbiter: whoever holds the highest epoch hosts. Here it is in memory, in earnest a row in a database.
const epochs = createMemoryEpochs();
const patience = restart({ maxRestarts: 10, withinMs: 60_000, backoff: { firstMs: 100, maxMs: 5000 } });
const hosts = ["hades", "zeus"].map((host) => {
  const system = createSystem(host);
  const behavior = (epoch: number): Behavior<LedgerCommand> => createLedger(host, epoch);
  system.spawn(supervise(createSingleton({ protocol: Ledger, epochs, behavior }), patience), "ledger");
  return system;
});

// A ref that follows the holder. While there is none, messages wait.
const shop = createSystem("shop");
const ledger = shop.singleton(Ledger, { epochs }).ref;
export const before = await ledger.ask({ type: "Book", cents: 5 }, { timeoutMs: 5000 });
// { total: 5, host: "hades", epoch: 1 }

// Watching works across machines: here the instance on that host, by name.
const createLookout = (target: ActorRef<LedgerCommand>, report: (reason: TerminationReason) => void) =>
  setup<{ type: "Gone"; reason: TerminationReason }>((context) => {
    context.watch(target, (reason) => ({ type: "Gone", reason }));
    return receive({ Gone: ({ reason }) => report(reason) });
  });
const gone = new Promise<TerminationReason>((resolve) => {
  shop.spawn(createLookout(shop.remote(Ledger, { host: before.host }), resolve), "lookout");
});

// Its host goes. It gives the epoch back, the other one takes the next, and whoever asks meanwhile waits.
await hosts.find(({ host }) => host === before.host)?.stop(1000);
export const after = await ledger.ask({ type: "Book", cents: 7 }, { timeoutMs: 5000 });
// { total: 7, host: "zeus", epoch: 2 }
export const reason = await gone;
// "unreachable"

await Promise.all([shop, ...hosts].map((system) => system.stop(1000)));
