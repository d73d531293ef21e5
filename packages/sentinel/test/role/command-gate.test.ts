import { CastellanError } from "@castellan/kernel";
import { CommandReply, encodeBody } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { handleCommand, MAX_COMMAND_BYTES, type SubmittedCommand } from "../../src/role/command-gate.ts";

const good = { requestId: "r1", by: "ann", target: { server: "hades", type: "bg", instance: 3 } };

type Submit = (command: SubmittedCommand) => Promise<{ operationId: string }>;

async function handle(verb: string, body: Uint8Array, submit: Submit = async () => ({ operationId: "o1" })) {
  const text = new TextDecoder().decode(await handleCommand(verb, body, submit));
  return CommandReply.parse(JSON.parse(text));
}

describe("the command gate", () => {
  it("hands a valid request on, its names in their one form, and replies with the operation", async () => {
    const seen: SubmittedCommand[] = [];
    const reply = await handle("start", encodeBody(good), async (command) => {
      seen.push(command);
      return { operationId: "o1" };
    });
    expect(reply).toEqual({ operationId: "o1" });
    expect(seen).toEqual([
      {
        verb: "start",
        command: { requestId: "r1", by: "ann", target: { server: "hades", type: "BG", instance: 3 }, options: {} },
      },
    ]);
  });

  it.each([
    ["explode", encodeBody(good), "UNKNOWN_VERB", "known: start, shutdown"],
    ["strat", encodeBody(good), "UNKNOWN_VERB", "did you mean start"],
    ["start", new TextEncoder().encode("{nope"), "BAD_COMMAND", "not JSON"],
    ["start", Uint8Array.of(0xff, 0xfe), "BAD_COMMAND", "UTF-8"],
    ["start", encodeBody({ by: "ann" }), "BAD_COMMAND", "requestId"],
    ["start", encodeBody({ ...good, target: { type: "NOT A TYPE" } }), "BAD_COMMAND", "process type"],
    ["start", new Uint8Array(MAX_COMMAND_BYTES + 1), "BAD_COMMAND", "at most 65536"],
  ])("answers %s with what is wrong", async (verb, body, code, text) => {
    const reply = await handle(verb, body, () => expect.unreachable("handed on"));
    expect(reply).toMatchObject({ error: { code, message: expect.stringContaining(text) } });
  });

  it("passes a refusal on with its code, and a defect as INTERNAL", async () => {
    const refusal = new CastellanError("BUSY", "wait", { retryable: true, details: { operationId: "o0" } });
    expect(await handle("start", encodeBody(good), () => Promise.reject(refusal))).toEqual({
      error: refusal.toShape(),
    });
    expect(await handle("start", encodeBody(good), () => Promise.reject(new TypeError("x")))).toMatchObject({
      error: { code: "INTERNAL" },
    });
  });

  it("answers whatever comes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.uint8Array({ maxLength: 200 }), async (verb, body) => {
        expect(await handle(verb, body)).toBeDefined();
      }),
    );
  });
});
