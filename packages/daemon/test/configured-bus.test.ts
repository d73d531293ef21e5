import { describe, expect, it } from "vitest";
import { namesBus } from "../src/program/configured-bus.ts";

describe("whether a bus is configured", () => {
  it.each([
    "nats:\n  url: nats://a\n",
    "server: hades\nnats : { url: nats://a }\n",
    '{"database":{"url":"sqlite:x"},"nats":{"url":"nats://a"}}',
    '{\n  "nats": { "url": "nats://a" }\n}',
    "{ server: hades, nats: { url: nats://a } }",
    "'nats':\n  url: nats://a\n",
  ])("is told however YAML writes it: %j", (text) => expect(namesBus(text)).toBe(true));

  it.each(["", "server: hades\n", "#nats:\n", "# { nats: x }\n", "natsServer:\n  port: 1\n", "trust:\n  nats: x\n"])(
    "not by what only looks like it: %j",
    (text) => expect(namesBus(text)).toBe(false),
  );
});
