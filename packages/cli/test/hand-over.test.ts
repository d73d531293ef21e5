import { ProcessType } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { goingAlong } from "../src/hand-over.ts";
import { chooseHeir, leavingOf } from "../src/heir.ts";

const types = new Map([
  ["WIS", ProcessType.parse({ command: ["true"], layer: "foreground" })],
  ["BG", ProcessType.parse({ command: ["true"] })],
]);
const on = (server: string, type: string, instance: number, persistent = true) => ({
  server,
  type,
  instance,
  persistent,
});

describe("what goes along when a master hands over", () => {
  it("is its foreground, but not what is temporary, nor a number that the new master has", () => {
    const instances = [
      on("hades", "WIS", 1),
      on("hades", "WIS", 2),
      on("hades", "WIS", 3, false),
      on("hades", "BG", 1),
      on("zeus", "WIS", 2),
    ];
    expect(goingAlong({ types, instances }, "hades", "zeus")).toEqual(["WIS 1"]);
    expect(goingAlong({ types, instances: instances.slice(1) }, "hades", "zeus")).toEqual([]);
  });
});

const up = (name: string, state = "up") => ({ name, state, hasEnded: false });
const shutdowns = (...targets: object[]) => leavingOf(targets.map((target) => JSON.stringify(target)));

describe("who becomes master when the master is taken down", () => {
  const servers = [up("hades"), up("hera", "suspect"), up("zeus"), up("ares")];
  const heir = (leaving = shutdowns(), chosen: string | null = null) =>
    chooseHeir(servers, { from: "hades", chosen, leaving });

  it("is a server that stays: not one that is shut down itself, and nobody where the node is", () => {
    expect(heir()).toBe("zeus");
    expect(heir(shutdowns({ server: "zeus" }))).toBe("ares");
    expect(heir(shutdowns({ server: "zeus" }, { server: "ares" }))).toBe("hera");
    expect(heir(shutdowns({ server: "zeus" }, { server: "ares" }, { server: "hera" }))).toBeNull();
    expect(heir(shutdowns({}))).toBeNull();
  });

  it("is nobody that has ended, though the node's record does not say so yet", () => {
    const [hades, hera, zeus] = [up("hades"), up("hera"), { ...up("zeus"), hasEnded: true }];
    const facts = { from: "hades", chosen: null, leaving: shutdowns() };
    expect(chooseHeir([hades, zeus, hera], facts)).toBe("hera");
    expect(chooseHeir([hades, zeus], facts)).toBeNull();
  });

  it("stays the one that was chosen as long as that one stays", () => {
    expect(heir(shutdowns(), "ares")).toBe("ares");
    expect(heir(shutdowns(), "hera")).toBe("hera");
    expect(heir(shutdowns({ server: "ares" }), "ares")).toBe("zeus");
    expect(heir(shutdowns(), "hades")).toBe("zeus");
  });

  it("is not changed by what is stopped in part, or cannot be read", () => {
    expect(heir(shutdowns({ server: "zeus", type: "WIS" }, { type: "WIS" }))).toBe("zeus");
    expect(leavingOf(["", "{", "[]", '{"servers":"zeus"}'])).toEqual({ all: false, servers: new Set() });
  });
});
