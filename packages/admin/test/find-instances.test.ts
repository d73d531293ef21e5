import type { ProcessReport, ServerReport } from "@castellan/protocol";
import { describe, expect, test } from "vitest";
import { findInstances } from "../src/find-instances.ts";

const process = (type: string, instance: number): ProcessReport => ({
  type,
  instance,
  status: "RUNNING",
  enabled: true,
  persistent: true,
  pid: 1,
  since: null,
  restarts: 0,
  comment: "",
});
const server = (name: string, ...processes: ProcessReport[]): ServerReport => ({
  id: 1,
  name,
  role: "slave",
  state: "up",
  lastSeen: null,
  stale: false,
  sentinel: null,
  processes,
});
const node = {
  servers: [
    server("hades", process("WIS", 1), process("WIS", 2), process("WQS", 1)),
    server("zeus", process("WIS", 1), process("BG", 3)),
    server("hera", process("WIS", 7)),
  ],
};
const find = (...words: string[]) =>
  findInstances(node, words, "hades").map(({ server: on, type, instance }) => `${on} ${type} ${instance}`);

describe("[SERVER] TYPE [N]", () => {
  test("means this server's, unless only another one has it", () => {
    expect(find("wis")).toEqual(["hades WIS 1", "hades WIS 2"]);
    expect(find("WIS", "2")).toEqual(["hades WIS 2"]);
    expect(find("Zeus", "wis")).toEqual(["zeus WIS 1"]);
    expect(find("hera", "WIS", "7")).toEqual(["hera WIS 7"]);
    expect(find("bg")).toEqual(["zeus BG 3"]);
    expect(() => findInstances(node, ["WIS"], "elsewhere")).toThrow("WIS is on hades, zeus, hera: name the server");
  });

  test("names what is meant by a misspelled word, and what there is", () => {
    expect(() => find("WIZ")).toThrow("there is no process WIZ; did you mean WIS?");
    expect(() => find("zeuss", "WIS")).toThrow("there is no server zeuss; did you mean zeus?");
    expect(() => find("zeus", "WQS")).toThrow("there is no process WQS on zeus");
    expect(() => find("WIS", "9")).toThrow("hades has no WIS 9, only 1, 2");
    expect(() => find("hades", "WIS", "two")).toThrow('"two" is not an instance number');
    expect(() => find("hades", "WIS", "1", "2")).toThrow("is too much");
  });
});
