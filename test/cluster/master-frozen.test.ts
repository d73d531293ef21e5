/**
 * The master's pair stands still for ten seconds (SIGSTOP) in the middle of a START and goes on. Meanwhile another is master
 * and finishes; what the first had in hand is refused, and it obeys. On PostgreSQL: on SQLite, which is of one machine, a
 * program that is stopped within its commit keeps the file locked for everybody.
 */
import { eventually, type Postgres, postgres, postgresBinaries, startCli } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, makeCluster } from "../harness/cluster.ts";
import { said } from "../harness/node.ts";

const FROZEN_MS = 10_000;

let server: Postgres | undefined;
let cluster: Cluster | undefined;
afterEach(async () => {
  try {
    await cluster?.dispose();
  } finally {
    await server?.stop();
  }
});

// Debian's postgresql is needed; .ci/run installs it where it is missing.
describe.skipIf(postgresBinaries() === undefined)("a master that stands still for 10 s", () => {
  it("is replaced, has no effect afterwards, and goes on as a slave", async () => {
    server = await postgres();
    cluster = await makeCluster({ types: smallNode(1000), exclusiveTypes: SMALL_EXCLUSIVE, postgres: server });
    const { epochs, gateway, journal } = cluster;
    const starts = (): number => journal().filter(({ what }) => what === "started").length;
    await cluster.awaitWhole();
    await cluster.must("stop");
    const earlier = starts();
    const victim = await cluster.master();
    const started = startCli(["start", "--timeout", "120"], { home: cluster.dir });
    await eventually(() => starts() > earlier, {
      withinMs: 90_000,
      describe: "the START is under way",
    });
    const [before] = await gateway.find("node_state");
    victim.freeze();
    const thawAtMs = Date.now() + FROZEN_MS;
    const during = await eventually(
      async () => {
        const [now] = await gateway.find("node_state");
        return Date.now() > thawAtMs && now?.epoch !== before?.epoch ? (now ?? null) : null;
      },
      { withinMs: 90_000, everyMs: 100, describe: "ten seconds are over, and another has taken over" },
    );
    expect(during.epoch, "another has taken over").toBe((before?.epoch ?? 0) + 1);
    expect((await cluster.master()).name).not.toBe(victim.name);
    victim.thaw();

    const ended = await started.ended;
    expect(ended.code, said(ended)).toBe(0);
    await cluster.awaitWhole();
    // Its foreground never moved, so it may be asked, once, to be master again: by order, not by itself.
    const [after] = await gateway.find("node_state");
    const later = epochs.terms.filter(({ epoch }) => epoch > during.epoch);
    expect(later.length).toBeLessThanOrEqual(1);
    if (later.length > 0) expect(after).toMatchObject({ handover: "planned", returned_to: before?.master_id });
    expect(starts(), "nothing was started twice").toBe(2 * earlier);
    expect(await cluster.complaints()).toEqual([]);
  });
});
