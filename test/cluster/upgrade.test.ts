/** A cluster of release 0.1.0 is upgraded while it runs: old and new servers side by side, in either role. */
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { smallNode } from "../harness/catalogue.ts";
import { said } from "../harness/node.ts";
import { makeOldNode, type OldNode } from "../harness/old-node.ts";
import { missing } from "../harness/releases.ts";

const why = missing("0.1.0");
const SERVERS = ["hades", "zeus", "hera"];
let node: OldNode | null = null;
afterEach(async () => {
  await node?.dispose();
  node = null;
});

describe.skipIf(why !== null)(`a cluster of release 0.1.0${why === null ? "" : ` (not run: ${why})`}`, () => {
  it("is upgraded host by host; the wrong order is refused; old and new obey each other meanwhile", async () => {
    node = await makeOldNode({ types: smallNode(), servers: SERVERS });
    const { home } = node;
    const before = await node.pids();
    expect(Object.keys(before)).toHaveLength(4);

    const early = await node.now("upgrade", "--yes", "--json", "--home", home("zeus"));
    expect(early.code).toBe(1);
    expect(JSON.parse(early.stdout)).toMatchObject({ error: { code: "UPGRADE_ORDER", details: { master: "hades" } } });

    const first = await node.now("upgrade", "--yes", "--json", "--home", home("hades"));
    expect(first.code, said(first)).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({
      done: [{ do: "migrate" }],
      elsewhere: [{ server: "zeus" }, { server: "hera" }],
      waiting: "hades",
      complete: false,
    });

    await node.must("upgrade", "--home", home("zeus"));
    expect(await node.programs()).toEqual({ hades: null, zeus: "0.2.0", hera: null });
    expect(await node.pids()).toEqual(before);
    expect((await node.must("status")).stdout).toMatch(
      /not all servers work with the same release: hades 0\.1\.0, zeus 0\.2\.0/,
    );

    // An old master has a new slave restart something; then a new master an old slave.
    expect((await node.old("restart", "zeus", "BACK", "1")).code).toBe(0);
    await node.must("master", "set", "zeus");
    await node.awaitRunning();
    await node.must("restart", "hera", "BACK", "1");
    expect((await node.old("restart", "hades", "BACK", "1")).code).toBe(0);

    const between = await node.pids();
    for (const name of ["hera", "hades"]) await node.must("upgrade", "--home", home(name));
    const whole = await node.awaitRunning();
    expect(whole.master).toBe("zeus");
    expect(await node.programs()).toEqual({ hades: "0.2.0", zeus: "0.2.0", hera: "0.2.0" });
    expect(await node.pids()).toEqual(between);
  });

  it("on one machine is upgraded by one command; the master stays it, and no process is restarted", async () => {
    node = await makeOldNode({ types: smallNode(), servers: SERVERS });
    const before = await node.pids();
    const { epoch } = JSON.parse((await node.old("status", "--json")).stdout);
    const done = JSON.parse((await node.must("upgrade", "--yes", "--json")).stdout);
    expect(done).toMatchObject({
      complete: true,
      done: [
        { do: "migrate" },
        { do: "replace", server: "zeus" },
        { do: "replace", server: "hera" },
        { do: "replace", server: "hades" },
      ],
    });
    const whole = await node.awaitRunning();
    expect(whole).toMatchObject({ master: "hades", epoch: epoch + 1 });
    expect(await node.pids()).toEqual(before);
    expect(await node.programs()).toEqual({ hades: "0.2.0", zeus: "0.2.0", hera: "0.2.0" });
  });

  it("becomes a single server: the slaves leave with the old release, then the last one is upgraded", async () => {
    const made = await makeOldNode({ types: smallNode(), servers: SERVERS });
    node = made;
    for (const name of ["zeus", "hera"]) {
      expect((await made.old("down", "--home", made.home(name))).code).toBe(0);
      // The master has to see that it has ended.
      await eventually(
        async () => {
          const removed = await made.old("server", "remove", name, "--home", made.home("hades"));
          expect(removed.code, said(removed)).toBe(0);
        },
        { withinMs: 60_000, everyMs: 500, describe: `${name} is removed` },
      );
    }
    const before = await node.pids();
    await node.must("upgrade", "--yes", "--home", node.home("hades"));
    await node.awaitRunning();
    expect(await node.programs()).toEqual({ hades: "0.2.0" });
    expect(await node.pids()).toEqual(before);
    await node.must("down", "--home", node.home("hades"));
  });
});
