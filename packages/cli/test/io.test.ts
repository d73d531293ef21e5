import { describe, expect, it } from "vitest";
import { systemIo } from "../src/io.ts";

describe("what is no terminal", () => {
  it("gets no colour, and says false rather than nothing, which others would take for a choice left open", () => {
    const { outColour, errColour, isTerminal } = systemIo();
    expect({ outColour, errColour, isTerminal }).toEqual({ outColour: false, errColour: false, isTerminal: false });
  });
});
