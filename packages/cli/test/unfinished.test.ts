import { CastellanError } from "@castellan/kernel";
import { readParameters, SchemaError, StoreUnavailable } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { idOfSchema } from "../src/installation/take-away.ts";
import { remainsOf } from "../src/installation/unfinished.ts";
import { oneServer } from "./fixture.ts";

const schemaOf = (found?: number) => new SchemaError("no", found === undefined ? {} : { details: { found } });

describe("what an uninstall that was cut short finds in the place of its schema", () => {
  it.each([
    ["the schema as it was", "a", "whole"],
    ["one that was made there since", "b", "another"],
    ["one that a program made which records no id", null, "another"],
    ["nothing", schemaOf(0), "nothing"],
    ["some of its tables, and the version", schemaOf(), "broken"],
    ["the schema of another version", schemaOf(9), "another"],
  ] as const)("is told from the rest: %s", (_what, found, remains) => {
    expect(remainsOf("a", found)).toBe(remains);
  });

  it("is another's once it is gone", () => {
    expect(remainsOf(null, "a")).toBe("another");
    expect(remainsOf(null, schemaOf())).toBe("another");
    expect(remainsOf(null, schemaOf(0))).toBe("nothing");
  });

  it("is not guessed while the database cannot be asked", () => {
    expect(() => remainsOf("a", new StoreUnavailable("away"))).toThrow(CastellanError);
    expect(() => remainsOf("a", new TypeError("a defect"))).toThrow(TypeError);
  });
});

describe("a schema that is taken away", () => {
  it("has an id on record before, by which what is left of it is known", async () => {
    const { ctx, gateway } = await oneServer();
    const id = await idOfSchema(ctx);
    expect(id).not.toBe("");
    expect((await readParameters(gateway)).get("schema_id")).toBe(id);
    expect(await idOfSchema(ctx)).toBe(id);
  });
});
