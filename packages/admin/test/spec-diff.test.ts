import type { NodeSpec } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSpec, diffSpec, isEmpty, type SpecView } from "../src/index.ts";
import { instancesAfter } from "../src/spec-diff.ts";
import { spec } from "./node-fixture.ts";

const types = (text: object): SpecView["types"] => new Map(Object.entries(spec({ types: text }).types));
const view = (over: Partial<SpecView> = {}): SpecView => ({
  masterId: 1,
  servers: [
    { id: 1, name: "hades" },
    { id: 2, name: "zeus" },
  ],
  types: types({ WEB: { command: ["web"] } }),
  instances: [],
  queues: new Map(),
  ...over,
});
const running = (serverId: number, type: string, ...numbers: number[]) =>
  numbers.map((instance) => ({ serverId, type, instance }));
const changes = (of: SpecView, text: object): string[] =>
  diffSpec(of, spec(text)).instances.map((c) => `${c.change} ${c.server} ${c.type} ${c.instance}`);
const problems = (of: SpecView, text: object): string[] =>
  checkSpec(of, spec(text), diffSpec(of, spec(text))).map((problem) => `${problem.code}: ${problem.message}`);

describe("diffSpec", () => {
  it("finds nothing to do for what is there", () => {
    const there = view({ instances: running(1, "WEB", 1, 2) });
    expect(
      isEmpty(diffSpec(there, spec({ types: { web: { command: ["web"] } }, servers: { hades: { web: 2 } } }))),
    ).toBe(true);
  });

  it("adds and changes types, and names the keys that differ", () => {
    const difference = diffSpec(
      view(),
      spec({ types: { WEB: { command: ["web"], stop: { grace: "1s" }, dependsOn: ["DB"] }, DB: { command: ["db"] } } }),
    );
    expect(difference.types.map(({ name, change, fields }) => ({ name, change, fields }))).toEqual([
      { name: "WEB", change: "changed", fields: ["dependsOn", "stop"] },
      { name: "DB", change: "added", fields: [] },
    ]);
  });

  it("does not mind the order in which keys were written", () => {
    const there = view({ types: types({ WEB: { command: ["web"], env: { A: "1", B: "2" } } }) });
    expect(isEmpty(diffSpec(there, spec({ types: { WEB: { env: { B: "2", A: "1" }, command: ["web"] } } })))).toBe(
      true,
    );
  });

  it("replaces a stored definition that cannot be read", () => {
    const difference = diffSpec(
      view({ types: new Map([["WEB", null]]) }),
      spec({ types: { WEB: { command: ["web"] } } }),
    );
    expect(difference.types).toMatchObject([{ name: "WEB", change: "changed", fields: ["definition"] }]);
  });

  it("keeps the lowest numbers, and numbers new instances after the highest", () => {
    const there = view({ instances: running(1, "WEB", 1, 2, 4) });
    expect(changes(there, { servers: { hades: { WEB: 2 } } })).toEqual(["removed hades WEB 4"]);
    expect(changes(there, { servers: { hades: { WEB: 5 } } })).toEqual(["added hades WEB 5", "added hades WEB 6"]);
  });

  it("removes from a listed server what it does not list, and leaves other servers alone", () => {
    const there = view({ instances: [...running(1, "WEB", 1), ...running(1, "OLD", 1), ...running(2, "OLD", 1)] });
    expect(changes(there, { servers: { hades: { WEB: 1 } } })).toEqual(["removed hades OLD 1"]);
  });

  it("understands master as whoever is master, and in a node of one server as that one", () => {
    expect(changes(view(), { servers: { master: { WEB: 1 } } })).toEqual(["added hades WEB 1"]);
    const young = view({ masterId: null, servers: [{ id: 7, name: "solo" }] });
    expect(changes(young, { servers: { master: { WEB: 1 } } })).toEqual(["added solo WEB 1"]);
  });

  it("counts foreground types in the whole node: where they are now makes no difference", () => {
    const text = {
      types: { DB: { command: ["db"], layer: "foreground" } },
      servers: { hades: { DB: 2 }, zeus: { WEB: 1 } },
    };
    const db = types(text.types);
    const moved = view({ masterId: 2, types: db, instances: [...running(2, "DB", 1, 2), ...running(2, "WEB", 1)] });
    expect(changes(moved, text)).toEqual([]);
    expect(changes(moved, { ...text, servers: { hades: { DB: 3 }, zeus: { WEB: 1 } } })).toEqual(["added zeus DB 3"]);
    expect(changes(moved, { ...text, servers: { hades: { DB: 1 }, zeus: { WEB: 1 } } })).toEqual(["removed zeus DB 2"]);
    // Of one server alone it says nothing about the foreground; of all it does.
    expect(changes(moved, { servers: { zeus: { WEB: 1 } } })).toEqual([]);
    expect(changes(moved, { servers: { zeus: { WEB: 1 }, hades: {} } })).toEqual([
      "removed zeus DB 1",
      "removed zeus DB 2",
    ]);
    expect(changes(view({ masterId: 2, types: db }), text)).toEqual([
      "added zeus WEB 1",
      "added zeus DB 1",
      "added zeus DB 2",
    ]);
  });

  it("reaches its goal: what was applied differs no more", () => {
    const counts = fc.dictionary(fc.constantFrom("WEB", "DB", "BG"), fc.integer({ min: 0, max: 5 }));
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 5 });
    fc.assert(
      fc.property(counts, counts, numbers, numbers, fc.boolean(), (hades, zeus, web, bg, isForeground) => {
        const layer = isForeground ? "foreground" : "background";
        const before = view({
          types: types({ WEB: { command: ["w"], layer } }),
          instances: [...running(1, "WEB", ...web), ...running(2, "BG", ...bg)],
        });
        const wanted: NodeSpec = spec({ servers: { hades, zeus } });
        const after = { ...before, instances: instancesAfter(before, diffSpec(before, wanted)) };
        expect(isEmpty(diffSpec(after, wanted))).toBe(true);
        expect(new Set(after.instances.map((i) => `${i.serverId} ${i.type} ${i.instance}`)).size).toBe(
          after.instances.length,
        );
      }),
    );
  });
});

describe("checkSpec", () => {
  it("accepts a sound spec", () => {
    const text = {
      types: {
        DB: { command: ["db"], layer: "foreground", exclusive: true },
        WEB: { command: ["w"], dependsOn: ["DB"] },
      },
      servers: { hades: { DB: 1 }, zeus: { WEB: 3 } },
    };
    expect(problems(view(), text)).toEqual([]);
  });

  it("prints a cycle, also one that closes through a type already there", () => {
    const there = view({ types: types({ WEB: { command: ["web"], dependsOn: ["DB"] } }) });
    expect(problems(there, { types: { DB: { command: ["db"], dependsOn: ["WEB"] } } })).toEqual([
      "CYCLE: the types depend on each other in a circle: WEB -> DB -> WEB",
    ]);
  });

  it("names unknown types and servers with what was probably meant", () => {
    expect(
      problems(view(), {
        types: { DB: { command: ["db"], dependsOn: ["WEV"] } },
        servers: { hadse: { WEB: 1 }, zeus: { WBE: 1 } },
      }),
    ).toEqual([
      "UNKNOWN_SERVER: this node has no server hadse (it has hades, zeus); did you mean hades?",
      "UNKNOWN_TYPE: types.DB.dependsOn names type WEV, which is not defined; did you mean WEB?",
      "UNKNOWN_TYPE: servers.zeus names type WBE, which is not defined; did you mean WEB?",
    ]);
  });

  it("refuses a second exclusive instance, and foreground whose number the master has too", () => {
    const types = { DB: { command: ["db"], layer: "foreground", exclusive: true } };
    expect(problems(view(), { types, servers: { hades: { DB: 1 }, zeus: { DB: 1 } } })).toEqual([
      "EXCLUSIVE_TWICE: DB is exclusive: at most one in the node, and this makes 2",
    ]);
    const there = view({ instances: [...running(1, "WEB", 1), ...running(2, "WEB", 1, 2)] });
    expect(problems(there, { types: { WEB: { command: ["w"], layer: "foreground" } } })).toEqual([
      "FOREGROUND_NOT_ON_MASTER: WEB is a foreground type: it runs on the master (hades), not on zeus",
    ]);
  });

  it("lets foreground types be placed before there is a master", () => {
    const young = view({ masterId: null, servers: [{ id: 7, name: "solo" }] });
    const text = { types: { DB: { command: ["db"], layer: "foreground" } }, servers: { master: { DB: 1 } } };
    expect(problems(young, text)).toEqual([]);
  });

  it("counts instances of servers that the spec does not list", () => {
    const there = view({ instances: running(2, "WEB", 1) });
    expect(
      problems(there, { types: { WEB: { command: ["w"], exclusive: true } }, servers: { hades: { WEB: 1 } } }),
    ).toEqual(["EXCLUSIVE_TWICE: WEB is exclusive: at most one in the node, and this makes 2"]);
  });

  it("does not blame a spec for what it does not touch", () => {
    const there = view({
      types: types({ WEB: { command: ["web"] }, OLD: { command: ["old"], layer: "foreground", exclusive: true } }),
      instances: [...running(2, "OLD", 1, 2)],
    });
    expect(problems(there, { servers: { hades: { WEB: 1 } } })).toEqual([]);
  });

  it("sees one server listed twice", () => {
    expect(problems(view(), { servers: { hades: { WEB: 1 }, master: { WEB: 2 } } })).toEqual([
      "SERVER_TWICE: hades and master are the same server: list it once",
    ]);
  });
});

describe("temporary instances", () => {
  it("are none of those that a spec counts, and their numbers are not given to others", () => {
    const own = { serverId: 1, type: "WEB" };
    const temporary = view({
      instances: [
        { ...own, instance: 1, persistent: true },
        { ...own, instance: 2, persistent: false },
      ],
    });
    const counted = (count: number) =>
      diffSpec(temporary, spec({ servers: { hades: { WEB: count } } })).instances.map(
        ({ instance, change }) => `${change} ${instance}`,
      );
    expect(counted(1)).toEqual([]);
    expect(counted(2)).toEqual(["added 3"]);
    expect(counted(0)).toEqual(["removed 1"]);
  });
});
