/** Subscribers listen on the public subjects: with the plain client, and with `castellan alerts`. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { CloudEvent } from "@castellan/protocol";
import { eventually, repositoryRoot, startCli } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

describe("alerts", () => {
  it("are printed by the ten-line subscriber and by castellan alerts --follow", async () => {
    node = await makeNode({ types: ONE });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const subscriber = startCli([node.path("run/endpoints.json")], {
      home: node.home,
      program: join(repositoryRoot, "deploy/examples/03-alert-subscriber/subscriber.mjs"),
    });
    const follower = startCli(["alerts", "--follow", "--json"], { home: node.home });
    try {
      let line = 0;
      await eventually(
        () => {
          line += 1;
          appendFileSync(node.path("logs/sw_error"), `line ${line}\n`);
          return subscriber.stdout().includes("sw_error") && follower.stdout().includes("sw_error");
        },
        { withinMs: 90_000, everyMs: 500, describe: "both have printed an alert" },
      );
      const [first = ""] = follower.stdout().split("\n");
      const event: unknown = JSON.parse(first);
      expect(event).toMatchObject({ specversion: "1.0", data: { kind: "error-file" } });
      expect(CloudEvent.parse(event).type).toMatch(/^castellan\.alert\.(raised|repeated)$/);
    } finally {
      subscriber.signal("SIGKILL");
      follower.signal("SIGINT");
      await subscriber.ended;
      expect((await follower.ended).code).toBe(0);
    }
  });
});
