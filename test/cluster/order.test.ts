/** The original's catalogue over three servers: started and stopped in order, proven by what the processes themselves told. */
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { CATALOGUE, catalogue, FOREGROUND } from "../harness/catalogue.ts";
import { type Cluster, makeCluster } from "../harness/cluster.ts";
import type { Told } from "../harness/journal.ts";
import { storedEvents } from "../harness/stored-events.ts";

let cluster: Cluster;
afterEach(() => cluster.dispose());

const timesOf = (told: readonly Told[], type: string, what: Told["what"]): number[] =>
  told.filter((one) => one.type === type && one.what === what).map(({ atMs }) => atMs);

const isAbout = (subject: string): boolean =>
  Object.keys(CATALOGUE).some((type) => subject.includes(`.${type.toLowerCase()}_`));

describe("the catalogue of 17 instances, after `castellan up --servers 3`", () => {
  it("start after what they need and stop before it, whichever server it is on", async () => {
    cluster = await makeCluster({ types: catalogue(), exclusiveTypes: FOREGROUND, bus: "own" });
    await cluster.awaitWhole();
    const started = cluster.journal();
    expect(started.filter(({ what }) => what === "ready")).toHaveLength(17);
    for (const [type, needs] of Object.entries(CATALOGUE)) {
      for (const need of needs) {
        const readyAt = Math.max(...timesOf(started, need, "ready"));
        expect(Math.min(...timesOf(started, type, "started")), `${type} after ${need}`).toBeGreaterThan(readyAt);
      }
    }

    await cluster.must("stop");
    const stopped = cluster.journal();
    expect(stopped.filter(({ what }) => what === "stopping")).toHaveLength(17);
    for (const [type, needs] of Object.entries(CATALOGUE)) {
      for (const need of needs) {
        const goneAt = Math.max(...timesOf(stopped, type, "stopping"));
        expect(Math.min(...timesOf(stopped, need, "stopping")), `${need} stops after ${type}`).toBeGreaterThan(goneAt);
      }
    }
    expect((await cluster.status()).state).toBe("STOPPED");

    // What anybody may subscribe to says the same. The bus is as new as the node: events wait at each server until it stores
    // them, so they are compared by the time that they tell.
    const events = await eventually(
      async () => {
        const stored = await storedEvents(cluster.busSettings);
        const about = (what: string) =>
          new Set(
            stored.flatMap(({ subjectName: name }) => (isAbout(name) && name.endsWith(`.${what}`) ? [name] : [])),
          );
        if (about("running").size === 17 && about("stopped").size === 17) return stored;
        throw new Error(`stored: ${stored.map(({ subjectName }) => subjectName).join(" ")}`);
      },
      { withinMs: 90_000, everyMs: 500, describe: "the bus has stored what became of every process" },
    );
    const toldAt = (type: string, what: string): number[] =>
      events.flatMap(({ subjectName, time }) =>
        subjectName.includes(`.${type.toLowerCase()}_`) && subjectName.endsWith(`.${what}`) ? [Date.parse(time)] : [],
      );
    for (const [type, needs] of Object.entries(CATALOGUE)) {
      for (const what of ["running", "stopped"]) expect(toldAt(type, what), `${type} ${what}`).not.toEqual([]);
      for (const need of needs) {
        expect(Math.min(...toldAt(type, "running")), `${type} after ${need}`).toBeGreaterThan(
          Math.max(...toldAt(need, "running")),
        );
        expect(Math.min(...toldAt(need, "stopped")), `${need} stopped after ${type}`).toBeGreaterThanOrEqual(
          Math.max(...toldAt(type, "stopped")),
        );
      }
    }
    expect(await cluster.complaints()).toEqual([]);
  });
});
