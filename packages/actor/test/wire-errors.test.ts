import { CastellanError, type ErrorShape } from "@castellan/kernel";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  AskTimeout,
  type CommandOf,
  createMemoryHub,
  LinkDown,
  NotReachable,
  RemoteError,
  receive,
  StaleEpoch,
} from "../src/index.ts";
import { Codec, encodeRefusal } from "../src/remote/wire.ts";
import { createManualClock } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

const Shop = {
  actor: "shop",
  messages: {
    Buy: { request: z.object({ item: z.string() }), reply: z.object({}) },
    Note: { request: z.object({}) },
  },
} as const;

const read = (shape: ErrorShape): unknown => {
  try {
    return new Codec(Shop).decodeReply("Buy", encodeRefusal(shape));
  } catch (thrown) {
    return thrown;
  }
};

describe("an error that crosses the wire", () => {
  test("keeps its code, message, retryability and details, whatever they are", () => {
    const names = fc.string().filter((name) => name !== "__proto__"); // the one that no reader takes
    const shapes = fc.record({
      code: fc.string(),
      message: fc.string(),
      retryable: fc.boolean(),
      details: fc.dictionary(names, fc.jsonValue()),
    });
    fc.assert(
      fc.property(shapes, (shape) => {
        const error = read(shape);
        expect(error).toBeInstanceOf(CastellanError);
        const plain = JSON.parse(JSON.stringify(shape));
        if (error instanceof CastellanError) expect(JSON.parse(JSON.stringify(error.toShape()))).toEqual(plain);
      }),
    );
  });

  test("is of the same class on the other side", () => {
    for (const error of [
      new NotReachable("zeus/shop/-", "Buy"),
      new LinkDown("zeus/shop/-", "Buy"),
      new AskTimeout("zeus/shop/-", "Buy", 100),
      new StaleEpoch("zeus/shop/-", "Buy", 1, 2),
      new StaleEpoch("zeus/shop/-", "Buy", null, 2),
      new CastellanError("OUT_OF_STOCK", "no apples", { details: { item: "apple" } }),
      new RemoteError("INTERNAL", "broken"),
    ]) {
      const crossed = read(error.toShape());
      expect(crossed).toBeInstanceOf(error.constructor);
      expect(crossed).toMatchObject(error.toShape());
    }
  });

  test("never breaks its reader: what is no error shape is one of the other side", () => {
    const refused = { headers: { "actor-error": "X" } };
    for (const text of ["", "{", "null", '{"error":null}', '{"error":{"code":1}}']) {
      const body = new TextEncoder().encode(text);
      expect(() => new Codec(Shop).decodeReply("Buy", { body, ...refused })).toThrow(RemoteError);
    }
  });

  test("with details that cannot travel goes without them", () => {
    const shape = { code: "ODD", message: "odd", retryable: true, details: { big: 1n } };
    expect(read(shape)).toMatchObject({ code: "ODD", message: "odd", retryable: true, details: {} });
  });
});

/** As a program without types would. */
function askUnchecked(
  ref: { ask(message: never, options: { timeoutMs: number }): Promise<unknown> },
  message: object,
): Promise<unknown> {
  const loose: { ask(message: object, options: { timeoutMs: number }): Promise<unknown> } = Object.assign(
    Object.create(ref),
    {},
  );
  return loose.ask.call(ref, message, { timeoutMs: 200 });
}

test("every way an ask can fail arrives with code, message, retryable and details", async () => {
  const clock = createManualClock();
  const hub = createMemoryHub(clock);
  const here = createWorld({ clock, host: "hades", transport: hub.connect("hades") }).system;
  const there = createWorld({ clock, host: "zeus", transport: hub.connect("zeus") }).system;
  const behavior = receive<CommandOf<typeof Shop>>({
    Buy: ({ item }, replyTo) => {
      if (item === "bug") throw new TypeError("a bug");
      if (item === "apple") replyTo.refuse(new CastellanError("OUT_OF_STOCK", "no apples", { details: { item } }));
      if (item === "slow") return new Promise<void>(() => undefined);
      return undefined;
    },
    Note: () => undefined,
  });
  const start = (key: string): void => {
    there.expose(Shop, key, there.spawn(behavior, key, { mailbox: { capacity: 1 } }));
  };
  for (const key of ["a", "b", "c"]) start(key);
  const fails = async (key: string, item: unknown, host = "zeus"): Promise<unknown> => {
    const remote: { ask(message: never, options: { timeoutMs: number }): Promise<unknown> } = here.remote(Shop, {
      host,
      key,
    });
    const message: { readonly type: "Buy"; readonly item: unknown } = { type: "Buy", item };
    const end = askUnchecked(remote, message).catch((thrown: unknown) => thrown);
    await clock.run(300);
    return end;
  };
  const path = "zeus/shop/a";
  expect(await fails("a", "apple")).toMatchObject({
    code: "OUT_OF_STOCK",
    retryable: false,
    details: { item: "apple" },
  });
  expect(await fails("a", "apple", "nowhere")).toMatchObject({ code: "NOT_REACHABLE", retryable: true });
  expect(await fails("a", 5)).toMatchObject({ code: "BAD_MESSAGE", retryable: false });
  expect(await fails("a", "x".repeat(2 ** 21))).toMatchObject({ code: "TOO_LARGE", details: { limit: 2 ** 20 } });
  expect(await fails("a", "slow")).toMatchObject({ code: "ASK_TIMEOUT", retryable: true, details: { path } });
  here.remote(Shop, { host: "zeus", key: "a" }).tell({ type: "Note" });
  await clock.settle();
  expect(await fails("a", "apple")).toMatchObject({ code: "MAILBOX_FULL", retryable: true, details: { capacity: 1 } });
  expect(await fails("b", "bug")).toMatchObject({ code: "INTERNAL", retryable: false, message: "a bug" });
  expect(await fails("b", "apple")).toMatchObject({ code: "NOT_REACHABLE", retryable: true });
  hub.setLink("hades", false);
  expect(await fails("c", "apple")).toMatchObject({ code: "LINK_DOWN", retryable: true });
  const over = Promise.all([here.stop(0), there.stop(0)]);
  await clock.run(11_000); // one of them stops because of the bug
  await over;
});
