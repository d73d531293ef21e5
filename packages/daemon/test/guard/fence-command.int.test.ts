import { CastellanError } from "@castellan/kernel";
import { describe, expect, it } from "vitest";
import { createFenceCommand } from "../../src/guard/fence-command.ts";

const fence = (...command: string[]) =>
  createFenceCommand({ command, home: "/", env: { PATH: process.env["PATH"] ?? "" } })("zeus");
const failure = async (promise: Promise<void>): Promise<string> =>
  await promise.then(
    () => "it has not failed",
    (thrown: unknown) => (thrown instanceof CastellanError ? `${thrown.code} ${thrown.message}` : String(thrown)),
  );

describe("a fence command", () => {
  it("gets the server's name in its arguments, which no shell reads, and has done it when it says so", async () => {
    await fence(
      "sh",
      "-c",
      '[ "$1" = "zeus-bmc;exit 1" ] && [ "$CASTELLAN_SERVER" = zeus ]',
      "x",
      "{server}-bmc;exit 1",
    );
  });

  it("that fails is told with what it said", async () => {
    expect(await failure(fence("sh", "-c", "echo no route to {server} >&2; exit 3"))).toBe(
      "FENCE_FAILED sh: 3: no route to zeus",
    );
    expect(await failure(fence("/no/such/ipmitool"))).toContain("FENCE_FAILED /no/such/ipmitool: ENOENT");
  });
});
