import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CloudEvent, encodeBody, fromMessage, toHeaders, toStructured } from "../src/index.ts";

const event: fc.Arbitrary<CloudEvent> = fc.record(
  {
    id: fc.uuid(),
    source: fc.constant("/castellan/ips1/hades"),
    type: fc.constant("castellan.alert.raised"),
    time: fc.constant("2026-01-01T00:00:00.000Z"),
    subject: fc.string({ minLength: 1, unit: "grapheme" }),
    data: fc.record({ n: fc.integer() }),
  },
  { requiredKeys: ["id", "source", "type", "time", "data"] },
);

const subjectHeader = (text: string) =>
  toHeaders({ id: "1", source: "/s", type: "t", time: "2026-01-01T00:00:00.000Z", subject: text, data: {} })[
    "ce-subject"
  ];

describe("CloudEvents", () => {
  it("survive the binary mode, also with a subject no header could hold", () => {
    fc.assert(
      fc.property(event, (made) => {
        const headers = toHeaders(made);
        for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
        const arrived = fromMessage((name) => headers[name], encodeBody(made.data));
        expect(arrived).toEqual({ ...made, traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) });
        expect(arrived.traceparent).toContain(made.id.replaceAll("-", ""));
      }),
    );
  });

  it("encode no more of a subject than a header needs", () => {
    expect(subjectHeader("/var/log/sw_error")).toBe("/var/log/sw_error");
    expect(subjectHeader('a b"c%d\u00e4\ud800')).toBe("a%20b%22c%25d%C3%A4%EF%BF%BD");
  });

  it("name what is wrong with a stranger's message", () => {
    expect(() => fromMessage(() => undefined, encodeBody({}))).toThrow(/not a CloudEvent/);
    expect(() => fromMessage(() => "x", new Uint8Array([0xff, 0x00]))).toThrow(/not JSON/);
  });

  it("stand alone in the structured mode", () => {
    const [made] = fc.sample(event, 1);
    if (made === undefined) throw new Error("no sample");
    expect(toStructured(made)).toMatchObject({ specversion: "1.0", id: made.id, data: made.data });
  });
});
