/** `castellan.yaml` and what `castellan apply` takes: every problem at once, with its place and what to write instead. */
import { ConfigError, type ConfigProblem, parseConfig } from "@castellan/kernel/config";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { HomeConfig } from "../src/home-config.ts";
import { NodeSpec } from "../src/process-type.ts";

function problemsOf(text: string, schema: z.ZodType): readonly ConfigProblem[] {
  try {
    parseConfig(text, "f.yaml", schema);
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
}
const lines = (text: string, schema: z.ZodType): string[] =>
  problemsOf(text, schema).map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);

const told = (fields: string): string => lines(`types: { WEB: { command: [x], ${fields} } }`, NodeSpec).join("\n");

describe("a bad castellan.yaml", () => {
  it("has all its problems told at once", () => {
    const text = [
      "node: ips 1",
      "server: HADES",
      "nats: { url: 4222, credential: x }",
      'database: { url: "file:x", passwordFile: "a\\0b" }',
      "natz: 1",
    ].join("\n");
    expect(lines(text, HomeConfig)).toEqual([
      expect.stringMatching(/^1:7 node: a node name/),
      expect.stringMatching(/^2:9 server: a server name/),
      expect.stringMatching(/^3:14 nats\.url: text is needed/),
      expect.stringMatching(/^3:20 nats\.credential: unknown key/),
      expect.stringMatching(/^4:18 database\.url: write a database address/),
      expect.stringMatching(/^4:42 database\.passwordFile: holds a control character/),
      expect.stringMatching(/^5:1 natz: unknown key/),
    ]);
  });
});

describe("a bad spec", () => {
  it("has all its problems told at once", () => {
    const text = [
      "types:",
      "  WEB:",
      '    command: [node, "a\\0b"]',
      "    cwd: [.]",
      '    env: { "A=B": x, C: 1 }',
      "    stop: { grace: 10 parsecs, signal: SIGSTOP }",
      "    logs: { keep: 5 furlongs }",
      "    exclusive: maybe",
      "  1X: { command: [x] }",
      "servers:",
      "  hades: { WEB: -1 }",
    ].join("\n");
    const all = lines(text, NodeSpec).join("\n");
    for (const place of [
      /^3:\d+ types\.WEB\.command\.1: holds a NUL/m,
      /^4:\d+ types\.WEB\.cwd/m,
      /^5:\d+ types\.WEB\.env/m,
    ]) {
      expect(all).toMatch(place);
    }
    expect(all).toMatch(/^6:\d+ types\.WEB\.stop\.grace: "10 parsecs" is not a duration; write for example/m);
    expect(all).toMatch(/^6:\d+ types\.WEB\.stop\.signal/m);
    expect(all).toMatch(/^6:\d+ types\.WEB\.stop\.signal: write one of SIGTERM, SIGINT/m);
    expect(all).toMatch(/^7:\d+ types\.WEB\.logs\.keep: .*furlongs/m);
    expect(all).toMatch(/^8:\d+ types\.WEB\.exclusive: true or false/m);
    expect(all).toMatch(/^9:3 types\.1X: .*letter/m);
    expect(all).toMatch(/^11:\d+ servers\.hades\.WEB/m);
  });

  it("is told what is wrong with the kind of readiness, dependency or port that was meant", () => {
    expect(told("ready: { tcp: 99999 }")).toMatch(/ready\.tcp: too large: at most 65535/);
    expect(told("ready: { tpc: 80 }")).toMatch(/ready/);
    expect(told("ready: { http: x, timeout: soon }")).toMatch(/ready\.timeout: "soon" is not a duration/);
    expect(told("ready: 5")).toMatch(/ready: write /);
    expect(told("dependsOn: [{ type: A, onRestart: explode }]")).toMatch(/onRestart: write one of none, restart/);
    expect(told("dependsOn: [7]")).toMatch(/dependsOn\.0: write text/);
  });

  it("that names a type twice, also in another case, is refused", () => {
    expect(lines("types:\n  WEB: { command: [a] }\n  Web: { command: [b] }\n", NodeSpec)).toEqual([
      expect.stringMatching(/^3:\d+ types\.Web: is the same type as WEB/),
    ]);
    expect(lines("servers:\n  hades: { WEB: 1, web: 2 }\n", NodeSpec)).toHaveLength(1);
    expect(lines("types:\n  WEB: { command: [a] }\n  WEB: { command: [b] }\n", NodeSpec)).toEqual([
      expect.stringMatching(/^3:3 : key "WEB" is written twice/),
    ]);
  });

  it("is read or refused, whatever it holds", () => {
    const key = fc.constantFrom(
      "types",
      "servers",
      "queues",
      "command",
      "env",
      "ready",
      "stop",
      "grace",
      "dependsOn",
      "tcp",
      "http",
      "exec",
      "logs",
      "keep",
      "pause",
      "signal",
      "WEB",
      "hades",
      "constructor",
      "toString",
      "__proto__",
      "",
    );
    const leaf = fc.oneof(
      fc.constantFrom<unknown>(
        "30s",
        "-1s",
        "1e30s",
        "200%",
        "10EiB",
        "NaN",
        "\0",
        "SIGKILL",
        "none",
        "{type}",
        "{home}/x",
        "a".repeat(5000),
      ),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.string(),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (value) => {
        for (const schema of [NodeSpec, HomeConfig]) {
          for (const { message, file } of problemsOf(JSON.stringify(value), schema)) {
            expect(file).toBe("f.yaml");
            expect(message).not.toBe("");
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
