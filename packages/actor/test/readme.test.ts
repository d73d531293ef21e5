/** The README's code is these files, word for word, and they do what it says. */
import { readdirSync, readFileSync } from "node:fs";
import { CastellanError } from "@castellan/kernel";
import { expect, test } from "vitest";
import { greeting } from "./examples/01-hello.ts";
import { closed } from "./examples/02-state.ts";
import { createParent, createReader } from "./examples/03-supervised.ts";
import { refused, taken } from "./examples/04-remote.ts";
import { effects, rang } from "./examples/06-testing.ts";
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

test("testing", () => {
  expect(effects).toEqual([{ kind: "timer", key: "egg", delayMs: 240_000, repeats: false, message: { type: "Done" } }]);
  expect(rang).toEqual({ type: "Ring" });
});
