import { describe, expect, it } from "vitest";
import type { Certificate } from "../src/index.ts";
import { judgeTrust, type TrustFacts } from "../src/index.ts";

const DAY_MS = 86_400_000;
const now = new Date(Date.UTC(2026, 5, 1));
const inDays = (days: number): Date => new Date(now.getTime() + days * DAY_MS);
const certificate = (over: Partial<Certificate> = {}): Certificate => ({
  name: "hades",
  names: ["hades.ips1.castellan", "ips1.castellan"],
  addresses: [],
  fingerprint: "ab",
  notBefore: inDays(-1),
  notAfter: inDays(300),
  isAuthority: false,
  pem: "",
  ...over,
});
const authority = certificate({ name: "castellan ips1", isAuthority: true, notAfter: inDays(3000) });
const well: TrustFacts = {
  files: { ca: "/t/ca.pem", certificate: "/t/server.pem", key: "/t/server.key" },
  authorities: { kind: "found", value: [authority] },
  certificate: { kind: "found", value: certificate() },
  key: { kind: "found", value: { isOpen: false, fits: true } },
  signer: authority,
};
const missing = (path: string) => ({ kind: "missing", path, reason: "it is not there" }) as const;

describe("what was found of a certificate", () => {
  it("is well when nothing is wrong with it", () => {
    expect(judgeTrust(well, now)).toEqual([]);
  });

  it.each<[string, Partial<TrustFacts>, string, boolean, RegExp, RegExp]>([
    [
      "no authority",
      { authorities: missing("/t/ca.pem"), signer: null },
      "CERTIFICATE_MISSING",
      true,
      /ca\.pem.*not there/,
      /cert install/,
    ],
    [
      "no certificate",
      { certificate: missing("/t/server.pem"), signer: null },
      "CERTIFICATE_MISSING",
      true,
      /server\.pem/,
      /cert issue/,
    ],
    ["no key", { key: missing("/t/server.key") }, "CERTIFICATE_MISSING", true, /server\.key/, /cert issue/],
    [
      "something else in its place",
      { certificate: { kind: "broken", path: "/t/server.pem", reason: "no PEM" }, signer: null },
      "CERTIFICATE_BROKEN",
      true,
      /no PEM/,
      /cert issue/,
    ],
    [
      "a key that others can read",
      { key: { kind: "found", value: { isOpen: true, fits: true } } },
      "KEY_OPEN",
      true,
      /server\.key/,
      /chmod 600 \/t\/server\.key/,
    ],
    [
      "another's key",
      { key: { kind: "found", value: { isOpen: false, fits: false } } },
      "KEY_WRONG",
      true,
      /not that of/,
      /cert issue/,
    ],
    ["another node's certificate", { signer: null }, "CERTIFICATE_FOREIGN", true, /not issued by/, /cert issue/],
    [
      "one of tomorrow",
      { certificate: { kind: "found", value: certificate({ notBefore: inDays(1) }) } },
      "CERTIFICATE_EARLY",
      true,
      /2026-06-02/,
      /clock/,
    ],
    [
      "one of yesterday",
      { certificate: { kind: "found", value: certificate({ notAfter: inDays(-1) }) } },
      "CERTIFICATE_EXPIRED",
      true,
      /2026-05-31/,
      /cert renew/,
    ],
    [
      "one that ends this second",
      { certificate: { kind: "found", value: certificate({ notAfter: now }) } },
      "CERTIFICATE_EXPIRED",
      true,
      /2026-06-01/,
      /renew/,
    ],
    [
      "one that ends in 29 days",
      { certificate: { kind: "found", value: certificate({ notAfter: inDays(29) }) } },
      "CERTIFICATE_ENDS",
      false,
      /2026-06-30/,
      /renew/,
    ],
    [
      "an authority that ends",
      { signer: { ...authority, notAfter: inDays(5) } },
      "CERTIFICATE_ENDS",
      false,
      /authority/,
      /rotate begin/,
    ],
  ])("%s", (_, over, code, isFatal, message, remedy) => {
    const problems = judgeTrust({ ...well, ...over }, now);
    expect(problems.map((problem) => [problem.code, problem.isFatal])).toEqual([[code, isFatal]]);
    expect(problems[0]?.message).toMatch(message);
    expect(problems[0]?.remedy).toMatch(remedy);
  });

  it("says nothing of one that ends in 30 days", () => {
    const ends = certificate({ notAfter: inDays(30) });
    expect(judgeTrust({ ...well, certificate: { kind: "found", value: ends } }, now)).toEqual([]);
  });
});
