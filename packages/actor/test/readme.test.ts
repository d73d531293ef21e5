/** The README's code is these files, word for word, and they do what it says. */
import { readdirSync, readFileSync } from "node:fs";
import { CastellanError } from "@castellan/kernel";
import { expect, test } from "vitest";
import { greeting } from "./examples/01-hello.ts";
import { closed } from "./examples/02-state.ts";
import { createParent, createReader } from "./examples/03-supervised.ts";
import { refused, taken } from "./examples/04-remote.ts";
import { after, before, reason } from "./examples/06-cluster.ts";
import { createPrinter } from "./examples/07-patience.ts";
import { lookAt } from "./examples/08-looking.ts";
import { effects, rang } from "./examples/09-testing.ts";
import { createWorld } from "./world.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("every code block of the README is an example file, and every example file is shown", () => {
  const blocks = [...read("../README.md").matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  const files = readdirSync(new URL("./examples", import.meta.url)).sort();
  expect(blocks).toEqual(files.map((file) => read(`./examples/${file}`)));
});

test("hello", () => {
  expect(greeting).toBe("Hello, Ada and Grace!");
});

test("a state machine is a function per state", async () => {
  const { system } = createWorld();
  const door = system.spawn(closed(), "door");
  const states: string[] = [];
  for (const type of ["Push", "Lock", "Push", "Lock", "Push", "Unlock"] as const) {
    door.tell({ type });
    states.push(await door.ask({ type: "GetState" }, { timeoutMs: 1000 }));
  }
  expect(states).toEqual(["open", "open", "closed", "locked", "locked", "closed"]);
});

test("supervised: a reader that fails now and then goes on, one that always fails takes its parent along", async () => {
  const { system, clock, defects } = createWorld();
  let luck: readonly number[] = [1, 0, 1, 1];
  const read = (): number => {
    const [now = 0, ...rest] = luck;
    luck = rest;
    if (now === 0) throw new Error("unreadable");
    return now;
  };
  const parent = system.spawn(createParent(read), "parent");
  const reader = await parent.ask({ type: "GetReader" }, { timeoutMs: 1000 });
  const count = (ref: typeof reader): Promise<number> => ref.ask({ type: "GetCount" }, { timeoutMs: 1000 });
  await clock.run(1500);
  expect(await count(reader)).toBe(1);
  await clock.run(3000);
  expect(await count(reader)).toBe(2);
  expect(defects).toEqual([]);
  await clock.run(30_000);
  expect(defects).toMatchObject([{ path: "/user/parent/reader", error: { message: "unreadable" } }]);
  expect(createReader).toBeTypeOf("function");
});

test("remote", () => {
  expect(taken).toEqual({ left: 2 });
  expect(refused).toBeInstanceOf(CastellanError);
  expect(refused).toMatchObject({ code: "OUT_OF_STOCK", details: { item: "apple" } });
});

test("a singleton moves with the epoch, and whoever watched its host hears of it", () => {
  expect(before).toMatchObject({ total: 5, epoch: 1 });
  expect(after).toMatchObject({ total: 7, epoch: 2 });
  expect(after.host).not.toBe(before.host);
  expect(reason).toBe("unreachable");
});

test("patience: jobs wait until the printer is warm", async () => {
  const { system, clock } = createWorld();
  const warmUp = (): Promise<void> => new Promise((resolve) => clock.after(500, resolve));
  const printer = system.spawn(createPrinter(warmUp), "printer");
  const jobs = ["a", "b"].map((text) => printer.ask({ type: "Print", text }, { timeoutMs: 1000 }));
  await clock.run(600);
  expect(await Promise.all(jobs)).toEqual(["printed a", "printed b"]);
});

test("looking at a running system", async () => {
  const { system } = createWorld();
  const lines: string[] = [];
  expect(await lookAt(system, (line) => lines.push(line))).toBe(3);
  expect(lines).toEqual([
    expect.stringMatching(/^\/user\/adder Add 0 ms [0-9a-f]{32}$/),
    "/user/adder is a calculator, running, 1 handled, 1 at most waited",
  ]);
});

test("testing", () => {
  expect(effects).toEqual([{ kind: "timer", key: "egg", delayMs: 240_000, repeats: false, message: { type: "Done" } }]);
  expect(rang).toEqual({ type: "Ring" });
});
