/** The sockets that the driver opens for one owner: their end has a deadline, also when the server does not answer any more. */
import { Socket } from "node:net";
import type { Clock } from "@castellan/kernel";

/** How long the server may take to see us off, milliseconds. */
const GOODBYE_MS = 500;

export interface Sockets {
  /** What the driver is given to make one with. */
  readonly stream: () => Socket;
  /** Settles when all are closed; those that the server has not closed in time are destroyed. */
  readonly gone: () => Promise<void>;
}

export function createSockets(clock: Pick<Clock, "after">): Sockets {
  const open = new Set<Socket>();
  return {
    stream() {
      const socket = new Socket();
      open.add(socket.once("close", () => open.delete(socket)));
      return socket;
    },
    async gone() {
      const closed = [...open].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      const impatience = clock.after(GOODBYE_MS, () => {
        for (const socket of open) socket.destroy();
      });
      await Promise.all(closed);
      impatience.cancel();
    },
  };
}
