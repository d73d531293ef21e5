import { StoreUnavailable } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { encodeThreadStart, parseThreadStart } from "../src/typeorm/sqlite-message.ts";

describe("what the thread of a SQLite file is begun with", () => {
  it("is understood by a thread of the same release", () => {
    const start = { path: "/data/node.db", mustExist: true };
    expect(parseThreadStart(structuredClone(encodeThreadStart(start)))).toMatchObject(start);
  });

  it("is refused by that of another, with what to do about it", () => {
    const others = ["/data/node.db", null, {}, { spoken: 0, path: "/data/node.db", mustExist: true }, { spoken: 1 }];
    for (const other of others) {
      expect(() => parseThreadStart(other)).toThrow(StoreUnavailable);
      expect(() => parseThreadStart(other)).toThrow("castellan upgrade");
    }
  });
});
