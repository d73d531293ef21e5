/**
 * The channel between worker and watcher: a socket in `run/`. The watcher listens, the worker connects; each tells its
 * progress; either end may vanish at any time, the other goes on and connects (or is connected to) again.
 */
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import type { Clock, Timer } from "@castellan/kernel";
import { encodePairMessage, MAX_LINE, type PairMessage, parsePairMessage } from "./pair-message.ts";

export interface ChannelHandlers {
  readonly message: (message: PairMessage) => void;
  /** A connection exists (again). */
  readonly up: () => void;
  readonly down: () => void;
}

export interface Channel {
  /** Dropped when there is no connection: what matters is said again. */
  send(message: PairMessage): void;
  readonly connected: boolean;
  close(): void;
}

/** Milliseconds between attempts to connect again. */
export const RETRY_MS = 1000;
/** A peer that does not read is cut off rather than buffered for, bytes. */
const MAX_BUFFERED = 64 * 1024;

/** The watcher's end. A socket file left by a dead watcher is replaced: the caller holds the watcher's lock. */
export function listenChannel(path: string, handlers: ChannelHandlers): Promise<Channel> {
  rmSync(path, { force: true });
  let current: Socket | null = null;
  const server = createServer((socket) => {
    current?.destroy(); // the newest worker counts
    current = socket;
    handlers.up();
    attach(socket, handlers.message, () => {
      if (current !== socket) return;
      current = null;
      handlers.down();
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.removeListener("error", reject);
      server.on("error", () => undefined); // a failed accept concerns that connection only
      chmodSync(path, 0o600);
      resolve({
        send: (message) => write(current, message),
        get connected() {
          return current !== null;
        },
        close() {
          server.close();
          current?.destroy();
        },
      });
    });
  });
}

/** The worker's end: connects at once and again every RETRY_MS, for as long as it is open. */
export function connectChannel(path: string, clock: Clock, handlers: ChannelHandlers): Channel {
  let current: Socket | null = null;
  let retry: Timer | null = null;
  let closed = false;
  const dial = (): void => {
    const socket = connect(path);
    let established = false;
    socket.once("connect", () => {
      established = true;
      current = socket;
      handlers.up();
    });
    attach(socket, handlers.message, () => {
      if (current === socket) current = null;
      if (established) handlers.down();
      if (!closed) retry = clock.after(RETRY_MS, dial);
    });
  };
  dial();
  return {
    send: (message) => write(current, message),
    get connected() {
      return current !== null;
    },
    close() {
      closed = true;
      retry?.cancel();
      current?.destroy();
    },
  };
}

function write(socket: Socket | null, message: PairMessage): void {
  if (socket === null || socket.destroyed) return;
  if (socket.writableLength > MAX_BUFFERED) socket.destroy();
  else socket.write(encodePairMessage(message));
}

function attach(socket: Socket, onMessage: (message: PairMessage) => void, onGone: () => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) socket.destroy();
    for (const line of lines) {
      const message = parsePairMessage(line);
      if (message !== null) onMessage(message);
    }
  });
  socket.on("error", () => undefined); // "close" follows and says what matters
  socket.once("close", onGone);
}
