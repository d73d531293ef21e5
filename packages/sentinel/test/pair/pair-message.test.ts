import { describe, expect, it } from "vitest";
import { encodePairMessage, type PairMessage, parsePairMessage } from "../../src/pair/pair-message.ts";
import { isProcessIdentity } from "../../src/process/identity.ts";

describe("a line between worker and watcher", () => {
  const messages: PairMessage[] = [
    { type: "hello", part: "worker", pid: 12 },
    { type: "hello", part: "watcher", pid: 1 },
    { type: "progress", counter: 0 },
    { type: "stop" },
  ];
  it.each(messages)("comes out as it went in: $type", (message) => {
    expect(parsePairMessage(encodePairMessage(message).trimEnd())).toEqual(message);
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '"stop"',
    '{"type":"go"}',
    '{"type":"progress"}',
    '{"type":"progress","counter":-1}',
    '{"type":"progress","counter":1.5}',
    '{"type":"progress","counter":"1"}',
    '{"type":"hello","part":"worker","pid":0}',
    '{"type":"hello","part":"other","pid":1}',
    `{"type":"stop","x":"${"x".repeat(5000)}"}`,
  ])("is ignored when it is no message: %.40s", (line) => {
    expect(parsePairMessage(line)).toBeNull();
  });

  it("drops what it does not know", () => {
    expect(parsePairMessage('{"type":"stop","why":"x"}')).toEqual({ type: "stop" });
  });
});

describe("an identity from a file", () => {
  const identity = { pid: 1, startTime: 0, bootId: "b", launchId: "" };
  it("is one when every field is there", () => expect(isProcessIdentity(identity)).toBe(true));
  it.each([null, 1, [], {}, { ...identity, pid: 0 }, { ...identity, pid: 1.5 }, { ...identity, startTime: -1 }])(
    "is none otherwise: %j",
    (value) => expect(isProcessIdentity(value)).toBe(false),
  );
  it.each(["pid", "startTime", "bootId", "launchId"])("is none with a wrong %s", (field) => {
    expect(isProcessIdentity({ ...identity, [field]: null })).toBe(false);
  });
});
