/**
 * Ports of 127.0.0.1 for servers that tests start later. What the system has just called free it may give to somebody else
 * before that server listens: to another test, to a server that wants any port, to a connection that goes out.
 *
 * Invariants: a port is given out once; it belongs to a block whose first port this process listens on for as long as it
 * lives, so that no other process gives out any of it; blocks lie below the ports that Linux gives away by itself, and below
 * those from which `castellan` chooses for servers that keep theirs.
 */
import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { CastellanError, systemCode } from "@castellan/kernel";

const LOWEST = 10_000;
const ABOVE = 21_000;
const BLOCK_SIZE = 64;
const BLOCKS = Math.floor((ABOVE - LOWEST) / BLOCK_SIZE);

const guards: Server[] = [];
const left: number[] = [];
let claiming: Promise<void> | null = null;

/** One that nobody listens on, and that nobody else is given. Throws `NO_FREE_PORT` when there is none. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = left.shift();
    if (port === undefined) {
      claiming ??= claimBlock().finally(() => {
        claiming = null;
      });
      await claiming;
      continue;
    }
    const probe = await listenOn(port);
    if (probe === null) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}

async function claimBlock(): Promise<void> {
  const first = randomInt(BLOCKS);
  for (let at = 0; at < BLOCKS; at += 1) {
    const lowest = LOWEST + ((first + at) % BLOCKS) * BLOCK_SIZE;
    const guard = await listenOn(lowest);
    if (guard === null) continue;
    guards.push(guard.unref());
    for (let port = lowest + 1; port < lowest + BLOCK_SIZE; port += 1) left.push(port);
    return;
  }
  throw new CastellanError("NO_FREE_PORT", `every block of ports from ${LOWEST} to ${ABOVE} is taken`);
}

/** Null: somebody listens there. */
function listenOn(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (thrown) => (systemCode(thrown) === "EADDRINUSE" ? resolve(null) : reject(thrown)));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
