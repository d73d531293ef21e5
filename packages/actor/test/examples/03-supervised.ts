import { type ActorRef, type Asking, type Behavior, receive, restart, setup, supervise } from "@castellan/actor";

type Reader = { type: "Poll" } | Asking<{ type: "GetCount" }, number>;

/** Reads something every second. `read` may throw: that is not its own business but its supervisor's. */
export const createReader = (read: () => number): Behavior<Reader> =>
  setup<Reader>(({ timers }) => {
    let count = 0;
    timers.every("poll", 1000, { type: "Poll" });
    return receive<Reader>(
      {
        Poll: () => {
          count += read();
        },
        GetCount: (_message, replyTo) => replyTo.success(count),
      },
      { stopping: () => undefined }, // the place to give back what setup took
    );
  });

type Parent = { type: "ReaderGone" } | Asking<{ type: "GetReader" }, ActorRef<Reader>>;

/** Three failures a minute are bad luck, each followed by a longer pause; a fourth is the parent's failure too. */
export const createParent = (read: () => number): Behavior<Parent> =>
  setup<Parent>((context) => {
    const patience = restart({ maxRestarts: 3, withinMs: 60_000, backoff: { firstMs: 100, maxMs: 5000 } });
    const reader = context.spawn(supervise(createReader(read), patience), "reader");
    context.watch(reader, { type: "ReaderGone" });
    return receive<Parent>({
      ReaderGone: () => context.log.warn("the reader is gone"),
      GetReader: (_message, replyTo) => replyTo.success(reader),
    });
  });
