import { type Asking, type Behavior, receive } from "@castellan/actor";

type Door = { type: "Push" } | { type: "Lock" } | { type: "Unlock" } | Asking<{ type: "GetState" }, string>;

// A handler may return the next behaviour: a state machine is a function per state.
export const closed = (): Behavior<Door> =>
  receive<Door>({
    Push: () => open(),
    Lock: () => locked(),
    Unlock: () => undefined, // nothing returned: stay
    GetState: (_message, replyTo) => replyTo.success("closed"),
  });

const open = (): Behavior<Door> =>
  receive<Door>({
    Push: () => closed(),
    Lock: () => undefined,
    Unlock: () => undefined,
    GetState: (_message, replyTo) => replyTo.success("open"),
  });

const locked = (): Behavior<Door> =>
  receive<Door>({
    Push: () => undefined,
    Lock: () => undefined,
    Unlock: () => closed(),
    GetState: (_message, replyTo) => replyTo.success("locked"),
  });
