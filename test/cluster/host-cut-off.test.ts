/**
 * The master's host is cut off from everybody, or not heard by them any more, while it lives on: another takes over at once,
 * what is one of its kind runs nowhere twice, and the old master is a slave when it can be reached again.
 *
 * With CASTELLAN_LONG=1 also one direction alone.
 */
import { createSystemClock } from "@castellan/kernel";
import { eventually, testRun } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Hosts, makeHosts, type ServerHost } from "../harness/hosts.ts";
import { whyNoRemotePostgres } from "../harness/remote-postgres.ts";
import { journaledWithin } from "../harness/take-over.ts";

const why = whyNoRemotePostgres();
const PERIOD_S = 5;
const { isLong } = testRun();

let hosts: Hosts;

describe.skipIf(why !== undefined)(`the master's host${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  beforeAll(async () => {
    hosts = await makeHosts({
      types: smallNode(),
      exclusiveTypes: SMALL_EXCLUSIVE,
      attributes: { ISOLATION_STOP_PERIOD: String(PERIOD_S) },
    });
    await hosts.awaitWhole();
  }, 240_000);
  afterAll(async () => {
    await hosts?.dispose();
  }, 180_000);

  const ways: readonly (readonly [string, (host: ServerHost["link"]) => void])[] = [
    ["cut off", (link) => link.cut()],
    ...(isLong
      ? ([["not heard any more, though it hears the others", (link: ServerHost["link"]) => link.mute()]] as const)
      : []),
  ];
  it.each(ways)(
    "%s: another is master at once, nothing is double, and it comes back as a slave",
    async (_how, lose) => {
      const old = await hosts.master();
      const others = hosts.servers.filter((server) => server !== old);
      const [other] = others;
      const ordinary = hosts.census.look().filter(({ type }) => !SMALL_EXCLUSIVE.has(type));
      const cutAtMs = createSystemClock().now().getTime();
      const journaledMs = await journaledWithin(hosts.busOf(...others), { server: other?.name ?? "" }, () =>
        lose(old.link),
      );
      expect((await hosts.master()).name).not.toBe(old.name);
      const moved = await eventually(
        () =>
          hosts
            .journal()
            .find(
              ({ label, what, server, atMs }) =>
                label === "FRONT 1" && what === "ready" && server !== old.name && atMs > cutAtMs,
            ) ?? null,
        { withinMs: 120_000, everyMs: 50, describe: "the foreground runs elsewhere" },
      );
      process.stdout.write(
        `      journaled after ${Math.round(journaledMs)} ms, moved after ${Math.round(moved.atMs - cutAtMs)} ms
`,
      );
      old.link.heal();
      const report = await hosts.awaitWhole();
      expect(report.servers.find(({ name }) => name === old.name)).toMatchObject({ role: "slave", state: "up" });
      const alive = new Set(hosts.census.look().map(({ pid }) => pid));
      expect(ordinary.filter(({ pid }) => !alive.has(pid))).toEqual([]);
      expect(await hosts.complaints()).toEqual([]);
    },
  );
});
