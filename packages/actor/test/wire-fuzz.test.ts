/** Whatever bytes come through the door of an actor: an answer with a code where one waits, counted, and the actor goes on. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type CommandOf, createMemoryHub, receive } from "../src/index.ts";
import { MAX_BODY_BYTES } from "../src/remote/wire.ts";
import { createManualClock } from "../src/testing/index.ts";
import { mayAnswer } from "../src/transport/nats/reply-subject.ts";
import { createWorld } from "./world.ts";

const Store = {
  actor: "store",
  messages: {
    Put: { request: z.object({ key: z.string(), value: z.unknown() }), reply: z.object({ stored: z.int() }) },
    Drop: { request: z.object({ key: z.string() }) },
  },
} as const;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const HOSTILE: readonly Uint8Array[] = [
  new Uint8Array(0),
  Uint8Array.of(0xff, 0xfe, 0x00),
  bytesOf("{"),
  bytesOf("null"),
  bytesOf('"text"'),
  bytesOf('{"type":"Drop","key":1}'),
  bytesOf('{"__proto__":{"key":"x"},"constructor":{}}'),
  bytesOf(`{"key":"a","value":${"[".repeat(50_000)}${"]".repeat(50_000)}}`),
  bytesOf(`{"key":"${"x".repeat(MAX_BODY_BYTES)}"}`),
  new Uint8Array(MAX_BODY_BYTES + 1),
];

const start = () => {
  const clock = createManualClock();
  const hub = createMemoryHub(clock);
  const world = createWorld({ clock, transport: hub.connect("hades") });
  let stored = 0;
  const ref = world.system.spawn(
    receive<CommandOf<typeof Store>>({
      Put: (_, replyTo) => {
        stored += 1;
        replyTo.success({ stored });
      },
      Drop: () => undefined,
    }),
    "store",
  );
  world.system.expose(Store, "-", ref);
  const stranger = hub.connect("stranger");
  const ask = async (verb: string, body: Uint8Array): Promise<unknown> => {
    const answer = await stranger.request({ host: "hades", actor: "store", key: "-" }, verb, body, {}, 1000);
    return JSON.parse(new TextDecoder().decode(answer.body));
  };
  return { ...world, ask };
};

describe("the door of an actor", () => {
  const good = bytesOf('{"key":"a","value":1}');
  const refused = { error: { code: expect.stringMatching(/^(TOO_LARGE|UNKNOWN_VERB|BAD_MESSAGE)$/) } };

  it("answers what is no message with a code, counts it, and the actor goes on", async () => {
    const { ask, system, defects } = start();
    for (const body of HOSTILE) {
      for (const verb of ["put", "drop", "constructor", "__proto__"])
        expect(await ask(verb, body)).toMatchObject(refused);
    }
    expect(system.deadLetters.count).toBe(4 * HOSTILE.length);
    expect(system.deadLetters.recent.length).toBeLessThanOrEqual(100);
    expect(await ask("put", good)).toEqual({ stored: 1 });
    expect(defects).toEqual([]);
    await system.stop(0);
  });

  it("answers whatever comes", async () => {
    const { ask, system, defects } = start();
    const verb = fc.oneof(fc.string(), fc.constantFrom("put", "drop", "_watch", "toString", "hasOwnProperty"));
    await fc.assert(
      fc.asyncProperty(verb, fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)), async (name, body) => {
        expect(await ask(name, body)).toBeTypeOf("object");
      }),
      {
        examples: [
          ["put", bytesOf('{"key":"","value":[]}')],
          ["drop", bytesOf("[]")],
        ],
      },
    );
    expect(await ask("put", good)).toHaveProperty("stored");
    expect(defects).toEqual([]);
    await system.stop(0);
  });
});

describe("a reply subject", () => {
  it.each(["_INBOX.abc.1", "_INBOX_hades.x", "MY_INBOX.1"])("%s is an inbox", (reply) => {
    expect(mayAnswer(reply, "castellan.ips1.cmd.start")).toBe(true);
  });

  it.each([
    "",
    "castellan.ips1.cmd.start",
    "castellan.ips1.evt.alert.error.hades.disk",
    "castellan.other.cmd.shutdown",
    "$JS.API.STREAM.PURGE.IPS1_EVENTS",
    "$SYS.REQ.SERVER.PING",
    "_INBOX.*",
    "_INBOX.>",
    ">",
    "a b",
    "a..b",
    ".a",
    "a.",
    "a\r\nPUB x 0\r\n",
    "x".repeat(600),
  ])("%j is none", (reply) => {
    expect(mayAnswer(reply, "castellan.ips1.cmd.start")).toBe(false);
  });
});
