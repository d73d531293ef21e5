/** A home of several servers, as `up --servers` makes it: one of them is uninstalled, the others go on; then all of them, at once or each by itself. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { StatusReport } from "@castellan/protocol";
import { eventually, findProcesses, killAll, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commandsIn } from "../harness/commands-in.ts";
import { said } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome("castellan-install-");
});
afterEach(async () => {
  await killAll(temp.dir);
  await temp.remove();
});

const { castellan, must } = commandsIn(() => temp);

async function refused(words: RegExp, home: string, ...args: string[]): Promise<void> {
  const result = await castellan(home, ...args);
  expect([result.code, said(result)]).toEqual([1, expect.stringMatching(words)]);
}

const untilUp = (names: readonly string[]) =>
  eventually(
    async () => {
      const { servers } = StatusReport.parse(JSON.parse((await must("three", "status", "--json")).stdout));
      expect(servers.map(({ name, state }) => `${name} ${state}`)).toEqual(names.map((name) => `${name} up`));
    },
    { withinMs: 90_000, everyMs: 250, describe: `${names.join(", ")} are up` },
  );

describe("a home of several servers", () => {
  it("loses one of them, in order, and is taken away with the others and the schema at once", async () => {
    mkdirSync(temp.path("example"));
    writeFileSync(temp.path("example/types.yaml"), ONE);
    await must("three", "up", "--servers", "3", "--detach", "--example", temp.path("example"));
    await untilUp(["hades", "zeus", "hera"]);

    await refused(/home of hades, zeus, hera: say which, with --home \S+\/three\/hera/, "three", "leave");
    await refused(/hades is master and goes after the slaves.*zeus, hera/, "three/hades", "uninstall", "--yes");
    await refused(/the schema goes last: hades, zeus are/, "three/hera", "uninstall", "--schema", "--yes");
    await refused(/uninstalls hades, zeus, hera of node castellan: say --yes/, "three", "uninstall");

    await must("three/hera", "uninstall", "--purge", "--yes");
    expect(findProcesses(temp.path("three/hera"))).toEqual([]);
    await untilUp(["hades", "zeus"]);
    // The home knows that one is no more: it goes down and comes up with those that are left.
    // A member that has never been up keeps it from neither.
    await must("three", "server", "add", "hermes");
    await must("three", "down");
    expect(findProcesses(temp.dir)).toEqual([]);
    await must("three", "up", "--detach");
    await must("three", "server", "remove", "hermes");
    await untilUp(["hades", "zeus"]);
    expect(existsSync(temp.path("three/hera"))).toBe(false);

    const done = await must("three", "uninstall", "--schema", "--yes");
    expect(done.stdout).toContain("hades, zeus uninstalled");
    expect(findProcesses(temp.dir)).toEqual([]);
    for (const home of ["three", "three/hades", "three/zeus"]) {
      const left = readdirSync(temp.path(home));
      expect(["castellan.yaml", "data", "run"].filter((name) => left.includes(name))).toEqual([]);
      expect(left).toContain("logs");
    }
    expect((await castellan("three", "status")).code).toBe(3);
  });

  it("is taken away one by one, each by its own home, and the schema they had in common at the end", async () => {
    mkdirSync(temp.path("example"));
    writeFileSync(temp.path("example/types.yaml"), ONE);
    await must("three", "up", "--servers", "2", "--detach", "--example", temp.path("example"));
    await untilUp(["hades", "zeus"]);
    await must("three/zeus", "uninstall", "--yes");
    await must("three/hades", "uninstall", "--yes");
    const done = await must("three", "uninstall", "--schema", "--yes");
    expect(done.stdout).toContain("hades, zeus uninstalled");
    expect(existsSync(temp.path("three/castellan.yaml"))).toBe(false);
    expect((await castellan("three", "status")).code).toBe(3);
  });
});
