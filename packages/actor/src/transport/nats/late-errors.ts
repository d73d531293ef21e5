/**
 * The client takes its listeners off a socket before the last error of it is told: what was written after the server had hung
 * up fails one turn later, when nobody listens any more, and an error that nobody hears ends the program.
 */
import { NodeTransport } from "nats/lib/node_transport.js";

// oxlint-disable-next-line typescript/unbound-method -- called on its transport below
const { setupHandlers } = NodeTransport.prototype;
const nothing = (): void => undefined;

/** From the first import on, for every connection of this process. */
NodeTransport.prototype.setupHandlers = function (this: NodeTransport): void {
  setupHandlers.call(this);
  const { socket } = this;
  const removeAllListeners = socket.removeAllListeners.bind(socket);
  socket.removeAllListeners = (...events) => {
    removeAllListeners(...events); // none is all of them, and not the same as undefined
    return socket.on("error", nothing); // it is closed, and said to be
  };
};
