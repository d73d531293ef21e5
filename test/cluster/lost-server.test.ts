/** A server that is lost: one item stands for it and for all that is open on it, until it is back. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ServerEvent } from "@castellan/protocol";
import { eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, makeCluster } from "../harness/cluster.ts";
import { storedEvents } from "../harness/stored-events.ts";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await makeCluster({ types: smallNode(), exclusiveTypes: SMALL_EXCLUSIVE });
});
afterEach(() => cluster.dispose());

const WITHIN = { withinMs: 90_000, everyMs: 300 } as const;

describe("a server whose pair is gone", () => {
  it("is suspect, then down: one critical item, which hides what is open on it; the node is degraded until it is back", async () => {
    const master = await cluster.master();
    const lost = cluster.servers.find((server) => server !== master);
    if (lost === undefined) throw new Error("there is a slave");
    const told = async (...args: string[]): Promise<string[]> =>
      (await cluster.items(...args)).map(({ kind, server, state }) => `${kind} ${server} ${state}`).toSorted();
    const becomes = (expected: readonly string[]): Promise<void> =>
      eventually(async () => expect(await told()).toEqual(expected), { ...WITHIN, describe: expected.join(", ") });

    mkdirSync(join(lost.home, "logs"), { recursive: true });
    appendFileSync(join(lost.home, "logs/sw_error"), "it broke\n");
    await becomes([`error-file ${lost.name} new`]);

    lost.killPair();
    await eventually(
      async () => {
        const report = await cluster.status();
        const server = report.servers.find(({ name }) => name === lost.name);
        expect([server?.state, server?.stale, report.state]).toEqual(["down", true, "DEGRADED"]);
      },
      { ...WITHIN, describe: "it is down and the node degraded" },
    );
    // What has happened is in the schema first, on the bus soon after.
    await eventually(
      async () => {
        const states = (await storedEvents(cluster.busSettings))
          .filter(({ type }) => type === "castellan.node.server-changed")
          .map(({ data }) => ServerEvent.parse(data))
          .flatMap(({ server, state }) => (server === lost.name ? [state] : []));
        expect(states.slice(-2)).toEqual(["suspect", "down"]);
      },
      { ...WITHIN, describe: "both are told on the bus" },
    );
    await becomes([`server ${lost.name} new`]);
    const [item] = await cluster.items();
    expect(item).toMatchObject({ kind: "server", severity: "critical", priority: 10, occurrences: 1 });
    expect(await told("--all")).toEqual([`error-file ${lost.name} new`, `server ${lost.name} new`]);

    await lost.up();
    await cluster.awaitWhole();
    await becomes([`error-file ${lost.name} new`]);
    expect(await told("--all")).toEqual([`error-file ${lost.name} new`, `server ${lost.name} resolved`]);
    expect(await cluster.complaints()).toEqual([]);
  });
});
