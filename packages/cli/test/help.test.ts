import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { main } from "../src/index.ts";
import { createProgram } from "../src/program.ts";
import { fakeIo } from "./fixture.ts";

/** Every command that is there to be found, with the words that lead to it. */
function commandsOf(command: Command, words: readonly string[] = []): readonly (readonly string[])[] {
  const inner = command.createHelp().visibleCommands(command);
  return [
    words,
    ...inner.filter((one) => one.name() !== "help").flatMap((one) => commandsOf(one, [...words, one.name()])),
  ];
}

const all = commandsOf(createProgram(fakeIo(), () => Promise.resolve())).map((words) => words.join(" "));

async function helpOf(words: string) {
  const io = fakeIo({ columns: 100 });
  const code = await main([...words.split(" ").filter((word) => word !== ""), "--help"], io);
  return { code, text: io.stdout(), stderr: io.stderr() };
}

describe("help", () => {
  it("is there for everything", () => {
    expect(all.length).toBeGreaterThan(15);
    expect(all).toContain("workitem release");
  });

  it.each(all)("of `castellan %s` fits a screen and has examples", async (words) => {
    const { code, text, stderr } = await helpOf(words);
    const lines = text.split("\n");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(text).toContain(`Usage: castellan ${words}`.trimEnd());
    expect(lines.length, text).toBeLessThanOrEqual(words === "" ? 80 : 40);
    expect(Math.max(...lines.map((line) => line.length)), text).toBeLessThanOrEqual(100);
    const examples = (text.split("Examples:\n")[1] ?? "").trimEnd().split("\n");
    expect(examples.length, text).toBeGreaterThanOrEqual(1);
    for (const example of examples) expect(example, text).toMatch(/^ {2}\$ .*castellan /);
  });
});
