import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it, vi } from "vitest";
import { freePort } from "../src/index.ts";

/** More than a few blocks, and than the system names without naming one twice. */
const MANY = 400;
async function many(give: () => Promise<number>): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < MANY) ports.push(await give());
  return ports;
}

it("gives each port out once, also beside another program that asks", async () => {
  vi.resetModules();
  const other = await import("../src/free-port.ts");
  expect(other.freePort).not.toBe(freePort);
  const [ours, theirs] = await Promise.all([many(freePort), many(other.freePort)]);
  expect(new Set([...ours, ...theirs]).size).toBe(2 * MANY);
});

it("passes one over that somebody listens on", async () => {
  const next = (await freePort()) + 1;
  const taken = createServer().listen(next, "127.0.0.1");
  await once(taken, "listening");
  try {
    expect(await freePort()).not.toBe(next);
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
});
