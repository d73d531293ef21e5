import { createSubjects, encodeBody, toHeaders } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDelivery } from "../src/read-delivery.ts";
import { anAlert } from "./fixtures.ts";

const subjects = createSubjects("ips1");
const alert = anAlert({ subject: "/tmp/ä b" });

function message(
  overrides: { subject?: string; headers?: Record<string, string | undefined>; body?: Uint8Array } = {},
) {
  const headers: Record<string, string | undefined> = {
    ...toHeaders({
      id: "a1",
      source: "/castellan/ips1/hades",
      type: "castellan.alert.repeated",
      time: alert.occurredAt,
      subject: alert.subject,
      data: alert,
    }),
    "castellan-outbox": "box-0001",
    "castellan-number": "17",
    ...overrides.headers,
  };
  return {
    subject: overrides.subject ?? "castellan.ips1.evt.alert.error.hades.error-file",
    header: (name: string) => headers[name],
    body: overrides.body ?? encodeBody(alert),
  };
}

const from = (server: string) => message({ subject: `castellan.ips1.evt.alert.error.${server}.error-file` });

describe("an alert off the bus", () => {
  it("is read with the place in its outbox and the server of its subject", () => {
    expect(readDelivery(subjects, message({ headers: { "castellan-oldest": "17" } }))).toEqual({
      origin: "hades",
      oldest: 17,
      alert: { id: "a1", number: 17, outbox: "box-0001", phase: "repeated", alert },
    });
  });

  it("keeps its place when its body cannot be read", () => {
    const body = new Uint8Array([0xff, 0x00, 0x7b]);
    expect(readDelivery(subjects, message({ body }))).toMatchObject({
      origin: "hades",
      alert: null,
      place: { outbox: "box-0001", number: 17 },
      reason: expect.stringContaining("JSON"),
    });
  });

  it("is none when it is nested too deeply to be written into a row: it would block every other", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const body = new TextEncoder().encode(JSON.stringify(alert).replace('"details":{}', `"details":{"deep":${deep}}`));
    expect(readDelivery(subjects, message({ body }))).toMatchObject({
      alert: null,
      place: { outbox: "box-0001", number: 17 },
      reason: expect.stringContaining("deep"),
    });
  });

  it("has no place when its headers name none, and says what is wrong", () => {
    for (const headers of [
      { "castellan-number": undefined },
      { "castellan-number": "-3" },
      { "castellan-outbox": "" },
    ]) {
      expect(readDelivery(subjects, message({ headers }))).toMatchObject({ alert: null, place: null });
    }
    expect(readDelivery(subjects, message({ headers: { "ce-type": "com.example" } }))).toMatchObject({ alert: null });
    expect(readDelivery(subjects, message({ subject: "castellan.ips1.evt.node.up" }))).toMatchObject({
      alert: null,
      origin: null,
    });
  });

  it("names a server and an outbox that a row can hold, or none: it would block every other", () => {
    const longest = "s".repeat(64);
    expect(readDelivery(subjects, from(longest))).toMatchObject({ origin: longest, alert: { id: "a1" } });
    expect(readDelivery(subjects, from(`${longest}s`))).toMatchObject({ origin: null, alert: null });
    for (const outbox of ["a\u0000b", "\ud800", "o".repeat(65), "a b"]) {
      expect(readDelivery(subjects, message({ headers: { "castellan-outbox": outbox } }))).toMatchObject({
        alert: null,
        place: null,
      });
    }
  });

  it("property: never throws, and names the same message by the same id", () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.string(),
        fc.dictionary(fc.constantFrom("ce-id", "ce-type", "castellan-number", "castellan-oldest"), fc.string()),
        (body, subject, headers) => {
          const read = () => readDelivery(subjects, message({ body, subject, headers }));
          const first = read();
          expect(first.alert).toBeNull();
          expect(read()).toEqual(first);
        },
      ),
    );
  });
});
