/** Nothing is started or stopped while events do not work: whoever follows would not hear of it. */
import { natsServer } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

/** A bus that takes everything but the self-test. */
const DEAF = `
authorization { users: [ { user: guest, password: guest, permissions: { publish: { deny: ["castellan.*.sys.loopback.>"] } } } ] }
no_auth_user: guest
`;

let nats: Awaited<ReturnType<typeof natsServer>>;
let node: TestNode;
afterEach(async () => {
  try {
    await node.dispose({ down: false });
  } finally {
    await nats.stop();
  }
});

describe("the event self-test", () => {
  it("that fails refuses start and stop, names what to look at, and touches no process", async () => {
    nats = await natsServer({ jetstream: true, config: DEAF });
    node = await makeNode({ types: ONE, config: `nats: { url: "${nats.url}" }\n` });
    const up = await node.up();
    const expected = /events do not work: .*sys\.loopback\..*nothing was started or stopped/s;
    expect(up.code, said(up)).toBe(3);
    expect(said(up)).toMatch(expected);
    for (const command of ["start", "stop", "restart"]) {
      const refused = await node.cli(command, "--timeout", "20");
      expect(refused.code, said(refused)).toBe(3);
      expect(said(refused)).toMatch(expected);
      expect(said(refused)).toMatch(/castellan doctor/);
    }
    const [server] = (await node.status()).servers;
    expect(server).toMatchObject({ state: "up", processes: [{ status: "STOPPED", pid: null }] });
  });
});
