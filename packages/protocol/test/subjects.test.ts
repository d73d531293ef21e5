import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSubjects, type Subject } from "../src/index.ts";

const token = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const node = fc.stringMatching(/^[A-Za-z0-9_]{1,24}$/);
const severity = fc.constantFrom("info", "warning", "error", "critical");
const alert = fc.constantFrom("error-file", "warn-file", "disk", "inode", "process", "server", "sentinel");
const constant = <T extends string>(value: T) => fc.constant(value);

const subject: fc.Arbitrary<Subject> = fc.oneof(
  fc.record({ kind: constant("request"), server: token, actor: token, key: token, verb: token }),
  fc.record({ kind: constant("command"), verb: token }),
  fc.record({ kind: constant("heartbeat"), server: token, part: fc.constantFrom("worker", "watcher") }),
  fc.record({ kind: constant("alert"), severity, server: token, alert }),
  fc.record({ kind: constant("process"), server: token, process: token, what: token }),
  fc.record({ kind: constant("node"), what: token }),
  fc.record({ kind: constant("work-item"), queue: token, what: token }),
  fc.record({ kind: constant("live-master") }),
  fc.record({ kind: constant("loopback"), server: token }),
);

describe("subjects", () => {
  it("round-trip, every kind", () => {
    fc.assert(
      fc.property(node, subject, (name, made) => {
        const subjects = createSubjects(name);
        expect(subjects.parse(subjects.build(made))).toEqual(made);
      }),
    );
  });

  it("keep the documented forms", () => {
    const { build, prefix, eventsStream } = createSubjects("IPS1");
    expect(prefix).toBe("castellan.ips1");
    expect(eventsStream).toBe("IPS1_EVENTS");
    expect(build({ kind: "request", server: "hades", actor: "process", key: "wis_3", verb: "restart" })).toBe(
      "castellan.ips1.req.hades.process.wis_3.restart",
    );
    expect(build({ kind: "alert", severity: "error", server: "hades", alert: "error-file" })).toBe(
      "castellan.ips1.evt.alert.error.hades.error-file",
    );
    expect(build({ kind: "process", server: "hades", process: "wis_3", what: "failed" })).toBe(
      "castellan.ips1.evt.process.hades.wis_3.failed",
    );
  });

  it("belong to one node: another's are not parsed, also when its name begins the same", () => {
    fc.assert(
      fc.property(node, node, subject, (mine, other, made) => {
        fc.pre(mine.toLowerCase() !== other.toLowerCase());
        expect(createSubjects(mine).parse(createSubjects(other).build(made))).toBeNull();
      }),
    );
  });

  it("parse any text without throwing", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        createSubjects("ips1").parse(text);
        createSubjects("ips1").parse(`castellan.ips1.${text}`);
      }),
    );
  });

  it("refuse a token that would change their shape", () => {
    const { build } = createSubjects("ips1");
    for (const verb of ["a.b", "*", ">", "", "A", "a b"]) {
      expect(() => build({ kind: "command", verb })).toThrow(/cannot be part of a subject/);
    }
  });
});
