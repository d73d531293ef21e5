import { ProcessType } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { goingAlong } from "../src/hand-over.ts";

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
