import { Socket } from "node:net";
import { NodeTransport } from "nats/lib/node_transport.js";
import { expect, it } from "vitest";
import "../src/transport/nats/late-errors.ts";

it("an error that comes when the client has let go of its socket ends no program", () => {
  const transport = new NodeTransport();
  transport.socket = new Socket();
  transport.setupHandlers();
  expect(transport.socket.listenerCount("close")).toBeGreaterThan(0);
  transport.socket.removeAllListeners();
  expect(transport.socket.listenerCount("close")).toBe(0);
  expect(transport.socket.emit("error", new Error("write after end"))).toBe(true);
});
