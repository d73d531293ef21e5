/** Ports for servers that keep them: from a range that no kernel gives to connections by itself. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { CastellanError } from "@castellan/kernel";

const FIRST = 21_000;
const LAST = 27_999;

/** So many different ports of loopback that nobody has at this moment. Throws NO_FREE_PORT. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  const size = LAST - FIRST + 1;
  const start = randomInt(size);
  for (let i = 0; i < size && found.length < count; i += 1) {
    const port = FIRST + ((start + i) % size);
    if (await isFree(port)) found.push(port);
  }
  if (found.length === count) return found;
  throw new CastellanError("NO_FREE_PORT", `of the ports ${FIRST} to ${LAST} of this host ${count} are not free`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
