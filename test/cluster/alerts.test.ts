/** What is wrong on a slave becomes a work item that names the slave, and a server can be silenced alone. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, type ClusterServer, makeCluster } from "../harness/cluster.ts";

let cluster: Cluster;
beforeEach(async () => {
  cluster = await makeCluster({ types: smallNode(), exclusiveTypes: SMALL_EXCLUSIVE });
});
afterEach(() => cluster.dispose());

const writeError = ({ home }: ClusterServer, text: string): void => {
  mkdirSync(join(home, "logs"), { recursive: true });
  appendFileSync(join(home, "logs/sw_error"), `${text}\n`);
};

describe("a slave", () => {
  it("has its error files and shortages made into items that name it; silenced, it alone is silent", async () => {
    const master = await cluster.master();
    const [one, two] = cluster.servers.filter((server) => server !== master);
    if (one === undefined || two === undefined) throw new Error("there are two slaves");
    const told = async (...args: string[]): Promise<string[]> =>
      (await cluster.items(...args)).map(({ kind, server }) => `${kind} ${server}`).toSorted();
    const becomes = (expected: readonly string[]): Promise<void> =>
      eventually(async () => expect(await told()).toEqual(expected), {
        withinMs: 90_000,
        everyMs: 300,
        describe: `the items are ${expected.join(", ")}`,
      });

    // Settings are taken up together: who acts by the second has the first.
    await cluster.must("attribute", "set", "CHECK_ERROR_FILES", "0", two.name);
    await cluster.must("attribute", "set", "MINFREEKB", "2147483647", two.name);
    writeFileSync(join(two.home, "fspart"), "/dev\n"); // in memory: smaller than that anywhere
    writeFileSync(join(one.home, "fspart"), "/ 100%\n");
    const disks = [`disk ${one.name}`, `disk ${two.name}`];
    await becomes(disks.toSorted());

    writeError(two, "nobody is to hear of it");
    writeError(one, "it broke on a slave");
    await becomes([...disks, `error-file ${one.name}`].toSorted());
    const [about] = (await cluster.items()).filter(({ kind }) => kind === "error-file");
    expect(about).toMatchObject({ subject: join(one.home, "logs/sw_error"), occurrences: 1 });

    // Silenced was the server, not the node.
    writeError(master, "it broke on the master");
    await becomes([...disks, `error-file ${master.name}`, `error-file ${one.name}`].toSorted());
    expect((await told("--all")).filter((item) => item.endsWith(two.name))).toEqual([`disk ${two.name}`]);
    expect(await cluster.complaints()).toEqual([]);
  });
});
