/** `castellan actors SERVER`: the live tree inside a sentinel, as its administrator sees it. */
import { readFileSync } from "node:fs";
import { ActorsReport, Endpoints } from "@castellan/protocol";
import { connect } from "nats";
import { afterEach, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

it("shows every live actor with its restarts and mailbox, and what was not delivered", async () => {
  node = await makeNode({ types: LAYERS });
  expect((await node.up()).code).toBe(0);
  const { master } = await node.awaitRunning();
  const server = master ?? "";

  const report = await node.json(ActorsReport, "actors", server.toUpperCase());
  expect(report).toMatchObject({ server, omitted: 0 });
  const paths = report.actors.map(({ path }) => path);
  expect(paths).toContain("/user/guardian");
  expect(paths).toContain("/user/guardian/role");
  expect(paths.indexOf("/user/guardian")).toBeLessThan(paths.indexOf("/user/guardian/outbox"));
  const keepers = report.actors.filter(({ path }) => path.startsWith("/user/guardian/processes/"));
  expect(keepers).toHaveLength(4);
  for (const actor of report.actors) {
    expect(actor).toMatchObject({ restarts: 0, dropped: 0 });
    expect(actor.highWater).toBeGreaterThanOrEqual(actor.mailbox);
  }
  expect(report.actors.find(({ path }) => path === "/user/guardian/processes")?.processed).toBeGreaterThan(0);

  const { natsUrl } = Endpoints.parse(JSON.parse(readFileSync(node.path("run/endpoints.json"), "utf8")));
  const stranger = await connect({ servers: natsUrl });
  try {
    await stranger.request(`castellan.castellan.req.${server}.sentinel.-.nonsense`, "{}", { timeout: 20_000 });
  } finally {
    await stranger.close();
  }
  const after = await node.json(ActorsReport, "actors", server);
  expect(after.deadLetters.total).toBeGreaterThan(report.deadLetters.total);
  expect(after.deadLetters.byReason["bad-message"]).toBe((report.deadLetters.byReason["bad-message"] ?? 0) + 1);
  // An answer that comes too late on a busy machine is one as well.
  expect(after.deadLetters.recent.filter(({ reason }) => reason === "bad-message").at(-1)).toMatchObject({
    path: `${server}/sentinel/-`,
    type: "nonsense",
  });

  const shown = await node.cli("actors", server);
  expect(shown.code, said(shown)).toBe(0);
  expect(shown.stdout).toMatch(/^ {2}ACTOR +STATE +FOR +RESTARTS +WAITING +MOST +DROPPED +HANDLED$/m);
  expect(shown.stdout).toMatch(/^ {2}guardian +running +/m);
  expect(shown.stdout).toMatch(/^ {4}outbox +/m);
  expect(shown.stdout).toMatch(/nonsense +\S+\/sentinel\/-/);

  const unknown = await node.cli("actors", `${server}x`);
  expect(unknown.code).toBe(1);
  expect(said(unknown)).toContain(`there is no server ${server}x`);
  expect(said(unknown)).toContain(server);

  expect((await node.cli("down")).code).toBe(0);
  const down = await node.cli("actors", server);
  expect(down.code, said(down)).toBe(3);
});
