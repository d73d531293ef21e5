/** Real certificates in real directories: who is believed at each step, and what is left when a disk has no room. */
import { X509Certificate } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { smallDisk, type TempHome, tempHome, whyNoSmallDisk } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { foundAuthority, issuedBy, issueInto, rotateAuthority } from "../src/authority/index.ts";
import {
  examineTrust,
  installTrust,
  judgeTrust,
  requireTrust,
  trustPaths,
  trustRootOf,
  trustRootsOf,
} from "../src/index.ts";

const node = "ips1";
const now = new Date(Date.UTC(2026, 5, 1));
let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome();
  await foundAuthority(temp.dir, node, now);
});
afterEach(() => temp.remove());

const filesIn = (home: string) => {
  const { ca, identity } = trustPaths(home);
  return { ca, certificate: identity, key: identity };
};
const issue = (name: string, addresses: readonly string[] | null, home = temp.path(name)) =>
  issueInto(temp.dir, trustPaths(home).directory, { node, name, bearer: "server", addresses, now });
const codesIn = (home: string, at = now) => judgeTrust(examineTrust(filesIn(home)), at).map(({ code }) => code);
const ca = (): string => readFileSync(trustPaths(temp.dir).ca, "utf8");
const given = (): string => temp.path("given");
/** Of every file below a directory. */
const contents = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), "utf8")]),
  );

describe("a node's authority", () => {
  it("issues certificates for a year, by which a server is known and reached", async () => {
    const issued = await issue("hades", ["hades", "10.0.0.5", "fd00::5"]);
    expect(codesIn(temp.path("hades"))).toEqual([]);
    expect(issued.names).toEqual(["hades.ips1.castellan", "ips1.castellan", "hades"]);
    expect(issued.addresses).toEqual(["10.0.0.5", "FD00:0:0:0:0:0:0:5"]);
    expect(issued.notAfter).toEqual(new Date(Date.UTC(2027, 5, 1)));
    const read = new X509Certificate(readFileSync(filesIn(temp.path("hades")).certificate));
    expect(read.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect([read.checkIP("10.0.0.5"), read.checkIP("10.0.0.6"), read.checkHost("ips1.castellan")]).toEqual([
      "10.0.0.5",
      undefined,
      "ips1.castellan",
    ]);
    expect(read.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(trustRootOf(ca())).toMatch(/^[0-9a-f]{64}$/);
  });

  it("keeps keys for the owner alone, and what it has issued without them", async () => {
    await issue("hades", ["hades"]);
    const { authority, identity, issued } = trustPaths(temp.dir);
    const modes = [authority, filesIn(temp.path("hades")).key, identity].flatMap((path) =>
      existsSync(path) ? [statSync(path).mode & 0o777] : [],
    );
    expect(modes).toEqual([0o600, 0o600]);
    expect(readFileSync(join(issued, "hades.pem"), "utf8")).not.toContain("PRIVATE");
    expect(ca()).not.toContain("PRIVATE");
  });

  it("renews by name alone, and asks for an address where there was none", async () => {
    await expect(issue("zeus", null)).rejects.toThrow(/--address/);
    await issue("zeus", ["zeus", "10.0.0.6"]);
    const { names, addresses, fingerprint } = await issue("zeus", null);
    expect([names.at(-1), addresses]).toEqual(["zeus", ["10.0.0.6"]]);
    expect(issuedBy(temp.dir).map((one) => [one.name, one.fingerprint])).toEqual([["zeus", fingerprint]]);
  });

  it("does not let a client pass for a server", async () => {
    const request = { node, name: "monitoring", bearer: "client", addresses: null, now } as const;
    const { names } = await issueInto(temp.dir, temp.path("out"), request);
    expect(names).toEqual(["monitoring.ips1.castellan"]);
    expect(new X509Certificate(readFileSync(temp.path("out/server.pem"))).keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });

  it("is made once", async () => {
    const before = contents(temp.dir);
    await expect(foundAuthority(temp.dir, node, now)).rejects.toMatchObject({ code: "TRUST_FOUND" });
    expect(contents(temp.dir)).toEqual(before);
  });

  it("is exchanged without anybody being turned away on the way", async () => {
    await issue("hades", ["hades"]);
    await issue("zeus", ["zeus"]);
    const first = trustRootOf(ca());
    const rotate = (step: "begin" | "switch" | "finish") => rotateAuthority(temp.dir, step, { node, now });
    await expect(rotate("switch")).rejects.toMatchObject({ code: "ROTATION_ORDER" });
    await rotate("begin");
    const [, second = ""] = trustRootsOf(ca());
    await rotate("begin"); // once more changes nothing
    expect(trustRootsOf(ca())).toEqual([first, second]);
    await rotate("switch");
    expect(trustRootsOf(ca())).toEqual([second, first]);
    await issue("hades", null);
    // Whoever has not been given a new one yet is believed by the new, and believes it.
    cpSync(trustPaths(temp.dir).ca, filesIn(temp.path("zeus")).ca);
    expect([codesIn(temp.path("hades")), codesIn(temp.path("zeus"))]).toEqual([[], []]);
    const forgotten: (readonly string[])[] = [];
    const finish = (why?: Error) =>
      rotateAuthority(temp.dir, "finish", {
        node,
        now,
        async forgetting(kept, old) {
          forgotten.push([kept, ...old]);
          if (why !== undefined) throw why;
        },
      });
    await expect(finish()).rejects.toThrow(/zeus would be turned away/);
    expect(forgotten).toEqual([]);
    await issue("zeus", null);
    await expect(finish(new Error("the schema is away"))).rejects.toThrow("the schema is away");
    expect(trustRootsOf(ca())).toEqual([second, first]);
    await finish();
    expect(forgotten).toEqual([
      [second, first],
      [second, first],
    ]);
    expect(trustRootsOf(ca())).toEqual([second]);
    await issue("zeus", null);
    expect([codesIn(temp.path("zeus")), existsSync(trustPaths(temp.dir).nextAuthority)]).toEqual([[], false]);
  });

  it("is not exchanged before everybody has been told of the next one", async () => {
    await issue("zeus", ["zeus"]);
    const later = new Date(now.getTime() + 86_400_000);
    await rotateAuthority(temp.dir, "begin", { node, now: later });
    const before = contents(temp.dir);
    await expect(rotateAuthority(temp.dir, "switch", { node, now: later })).rejects.toMatchObject({
      code: "OLD_CERTIFICATES",
      message: expect.stringContaining("zeus would not believe the new authority"),
    });
    expect(contents(temp.dir)).toEqual(before);
    const request = { node, name: "zeus", bearer: "server", addresses: null, now: later } as const;
    await issueInto(temp.dir, trustPaths(temp.path("zeus")).directory, request);
    await rotateAuthority(temp.dir, "switch", { node, now: later });
    expect(existsSync(trustPaths(temp.dir).nextAuthority)).toBe(false);
  });
});

describe.skipIf(whyNoSmallDisk() !== undefined)(`on a full disk (${whyNoSmallDisk() ?? "mounted"})`, () => {
  it("what was there stays whole, no draft of a key is left, and the step is taken when there is room", async () => {
    const disk = await smallDisk(1);
    try {
      const home = join(disk.dir, "home");
      const trust = trustPaths(home);
      await foundAuthority(home, node, now);
      const request = { node, name: "hades", bearer: "server", addresses: ["hades"], now } as const;
      await issueInto(home, trust.directory, request);
      const before = contents(trust.directory);
      disk.fill();
      await expect(rotateAuthority(home, "begin", { node, now })).rejects.toMatchObject({ code: "ENOSPC" });
      await expect(issueInto(home, trust.directory, request)).rejects.toMatchObject({ code: "ENOSPC" });
      expect(contents(trust.directory)).toEqual(before);
      disk.empty();
      await rotateAuthority(home, "begin", { node, now });
      expect([trustRootsOf(readFileSync(trust.ca, "utf8")).length, codesIn(home)]).toEqual([2, []]);
    } finally {
      await disk.remove();
    }
  });
});

describe("a certificate that is brought", () => {
  const target = { node, server: "zeus", now };
  const bring = (over = {}) => installTrust(given(), temp.path("home"), { ...target, ...over });
  beforeEach(async () => {
    await issueInto(temp.dir, given(), { node, name: "zeus", bearer: "server", addresses: ["zeus"], now });
  });

  it("is taken in whole", async () => {
    await bring();
    expect(codesIn(temp.path("home"))).toEqual([]);
    expect(statSync(filesIn(temp.path("home")).key).mode & 0o777).toBe(0o600);
  });

  it.each<[string, () => void, object, string]>([
    ["for another server", () => undefined, { server: "hera" }, "CERTIFICATE_OTHER"],
    ["for a server of another node", () => undefined, { node: "ips2" }, "CERTIFICATE_OTHER"],
    ["that has ended", () => undefined, { now: new Date(Date.UTC(2030, 1, 1)) }, "CERTIFICATE_EXPIRED"],
    ["that is not valid yet", () => undefined, { now: new Date(Date.UTC(2020, 1, 1)) }, "CERTIFICATE_EARLY"],
    ["that others could read", () => chmodSync(join(given(), "server.pem"), 0o644), {}, "KEY_OPEN"],
    ["that is none", () => writeFileSync(join(given(), "ca.pem"), "nothing"), {}, "CERTIFICATE_BROKEN"],
    ["from an empty directory", () => mkdirSync(temp.path("empty")), { from: "empty" }, "CERTIFICATE_MISSING"],
  ])("%s is refused, and nothing is changed", async (_, spoil, over, code) => {
    await bring();
    const before = contents(temp.path("home"));
    spoil();
    const { from = "given", ...rest } = over as { from?: string };
    const taken = installTrust(temp.path(from), temp.path("home"), { ...target, ...rest });
    await expect(taken).rejects.toMatchObject({ code });
    expect(contents(temp.path("home"))).toEqual(before);
  });

  it("of another authority fits nobody here", async () => {
    const other = temp.path("other");
    await foundAuthority(other, node, now);
    cpSync(trustPaths(other).ca, join(given(), "ca.pem"));
    await expect(bring()).rejects.toMatchObject({ code: "CERTIFICATE_FOREIGN" });
    expect(() => requireTrust(filesIn(temp.path("home")), now)).toThrow(/not there/);
  });
});
