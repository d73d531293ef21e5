/** One call on the master's host upgrades servers on several hosts: each exchanges itself for what is installed there. */
import { afterEach, describe, expect, it } from "vitest";
import { smallNode } from "../harness/catalogue.ts";
import { said } from "../harness/node.ts";
import { makeThreeHosts, pidsOf, programsOf, type ThreeHosts } from "../harness/three-hosts.ts";

const NEXT = "0.3.0";
let hosts: ThreeHosts | null = null;
afterEach(async () => {
  await hosts?.dispose();
  hosts = null;
});

describe("a cluster on three hosts", () => {
  it("is upgraded by one call; a host where the release is not installed, or cannot work, is named, and the master waits for it", async () => {
    hosts = await makeThreeHosts(smallNode());
    const before = await hosts.awaitRunning();
    expect(Object.keys(pidsOf(before))).toHaveLength(4);

    await hosts.install(NEXT, "hades", "zeus");
    hosts.spoil("zeus", "castellan: libodd.so.1 is missing");
    const spoilt = await hosts.on("hades", "upgrade", "--json");
    expect(spoilt.code, said(spoilt)).toBe(1);
    expect(JSON.parse(spoilt.stdout)).toMatchObject({
      done: [],
      elsewhere: [{ server: "zeus", refusal: expect.stringContaining("libodd.so.1 is missing") }, { server: "hera" }],
    });
    expect(programsOf(await hosts.awaitRunning())).toEqual({ hades: "0.2.0", zeus: "0.2.0", hera: "0.2.0" });

    await hosts.install(NEXT, "zeus");
    const first = await hosts.on("hades", "upgrade", "--json");
    expect(first.code, said(first)).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({
      done: [{ do: "ask", server: "zeus" }],
      elsewhere: [{ server: "hera", refusal: expect.stringContaining(`install ${NEXT} there`) }],
      waiting: "hades",
      complete: false,
    });
    const between = await hosts.awaitRunning();
    expect(programsOf(between)).toEqual({ hades: "0.2.0", zeus: NEXT, hera: "0.2.0" });
    expect(pidsOf(between)).toEqual(pidsOf(before));

    await hosts.install(NEXT, "hera");
    const second = await hosts.must("hades", "upgrade", "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({
      done: [
        { do: "ask", server: "hera" },
        { do: "replace", server: "hades" },
      ],
      complete: true,
    });
    const after = await hosts.awaitRunning();
    expect(programsOf(after)).toEqual({ hades: NEXT, zeus: NEXT, hera: NEXT });
    expect(pidsOf(after)).toEqual(pidsOf(before));
    expect(after).toMatchObject({ master: "hades", epoch: before.epoch + 1 });
    const record = (await hosts.must("hades", "audit", "--json")).stdout;
    expect(record).toMatch(/server\.upgrade.*hera/);

    await hosts.install("0.2.0", "zeus");
    const back = await hosts.on("zeus", "upgrade", "--json");
    expect(back.code, said(back)).toBe(1);
    expect(JSON.parse(back.stdout)).toMatchObject({ error: { code: "DOWNGRADE", details: { newest: NEXT } } });
    await hosts.install(NEXT, "zeus");
  });
});
