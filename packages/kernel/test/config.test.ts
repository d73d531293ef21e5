import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, loadConfigFile, parseConfig } from "../src/config.ts";

const schema = z.strictObject({ node: z.string(), nats: z.strictObject({ url: z.string() }).optional() });
const problemsOf = (text: string) => {
  try {
    parseConfig(text, "castellan.yaml", schema);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
  throw new Error("accepted");
};

const messages = (text: string) => problemsOf(text).map(({ message }) => message);

describe("a configuration file", () => {
  it("is read when it is right", () => {
    expect(parseConfig("node: ips1\n", "castellan.yaml", schema)).toEqual({ node: "ips1" });
  });

  it("names every problem at once, each with file, line and key", () => {
    const problems = problemsOf("node: 7\nnats:\n  url: nats://x\n  uri: y\nservr: z\n");
    expect(problems.map(({ line, path, message }) => ({ line, path, message }))).toEqual([
      { line: 1, path: "node", message: 'text is needed here: write "7" in quotes' },
      { line: 4, path: "nats.uri", message: "unknown key" },
      { line: 5, path: "servr", message: "unknown key" },
    ]);
    expect(new ConfigError(problems).message).toMatch(/castellan\.yaml:1:7: node: /);
  });

  it("says in plain words what is needed and what is there", () => {
    expect(messages("{}")).toEqual(["is missing: text is needed here"]);
    expect(messages("node:\n")).toEqual(["is empty: text is needed here"]);
    expect(messages("node: [a]\n")).toEqual(["text is needed here, not a list"]);
    expect(messages("node: a\nnats: b\n")).toEqual(["a mapping (key: value) is needed here, not text"]);
    expect(messages("just words\n")).toEqual(["a mapping (key: value) is needed here, not text"]);
    expect(() => loadConfigFile("/tmp", schema)).toThrow(/directory/);
  });

  it("names the line of a syntax error and of a key written twice", () => {
    expect(problemsOf("node: ips1\nnats: {url: [\n")[0]?.line).toBeGreaterThanOrEqual(2);
    expect(problemsOf("node: a\nnode: b\n")[0]?.message).toMatch(/written twice/);
  });

  it("refuses a bomb of aliases and a file that is no configuration", () => {
    const bomb = `a: &a [x,x]\n${"bcdefghij"
      .split("")
      .map((name, index) => `${name}: &${name} [*${"abcdefghi"[index]},*${"abcdefghi"[index]}]\n`)
      .join("")}`;
    expect(problemsOf(bomb).length).toBeGreaterThan(0);
    expect(problemsOf("x".repeat(2_000_000))[0]?.message).toMatch(/right file/);
  });

  it("says that a file is missing", () => {
    expect(() => loadConfigFile("/nonexistent/castellan.yaml", schema)).toThrow(/no such file/);
  });
});
