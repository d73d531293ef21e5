/** Certificates in files that are exchanged, spoiled and renewed: who is told what, and which alert begins and ends. */
import { chmodSync, writeFileSync } from "node:fs";
import { createManualClock } from "@castellan/actor/testing";
import { silentLogger } from "@castellan/kernel";
import type { Alert } from "@castellan/protocol";
import { eventually, type TempHome, tempHome } from "@castellan/testkit";
import { trustPaths } from "@castellan/trust";
import { foundAuthority, issueInto } from "@castellan/trust/authority";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TrustWatch, watchTrust } from "../src/bus/trust-watch.ts";
import { reportCertificates } from "../src/node/certificate-alerts.ts";

let temp: TempHome;
let watch: TrustWatch;
const manual = createManualClock();
/** Between two hours in which the watch looks every second, days go by. */
let daysPassed = 0;
const clock = { ...manual, now: () => new Date(manual.now().getTime() + daysPassed * 86_400_000) };
const afterDays = (days: number): void => {
  daysPassed += days;
  clock.advance(3_600_000);
};
const issue = (days: number) =>
  issueInto(temp.dir, trustPaths(temp.dir).directory, {
    node: "ips1",
    name: "hades",
    bearer: "server",
    addresses: ["hades"],
    days,
    now: clock.now(),
  });

let exchanged = 0;
let told: string[] = [];
const begin = (): void => {
  const { ca, identity } = trustPaths(temp.dir);
  const files = { ca, certificate: identity, key: identity };
  watch = watchTrust({ files, clock, log: silentLogger, exchanged: () => (exchanged += 1) });
  reportCertificates({
    alerts: {
      async report(phase: string, { severity, subject, summary }: Alert) {
        told.push(`${phase} ${severity} ${subject} ${/renew|chmod|order/.exec(summary)?.[0]}`);
      },
    },
    trust: watch,
    server: "hades",
    marker: temp.path("certificate.problem"),
    clock,
    log: silentLogger,
  });
};
const tells = (expected: readonly string[]): Promise<void> =>
  eventually(() => expect(told).toEqual(expected), { withinMs: 60_000, describe: expected.join(", ") });

beforeEach(async () => {
  temp = await tempHome();
  exchanged = 0;
  told = [];
  await foundAuthority(temp.dir, "ips1", clock.now());
  await issue(365);
  begin();
});
afterEach(async () => {
  watch.close();
  await temp.remove();
});

describe("the certificate of a running server", () => {
  it("is read again when it was exchanged for one that can be used, and no other", async () => {
    expect(exchanged).toBe(1); // what a server that has outlived its worker has read is not known
    clock.advance(10_000);
    expect(exchanged).toBe(1);
    await issue(365);
    clock.advance(2000);
    expect(exchanged).toBe(2);
    writeFileSync(trustPaths(temp.dir).identity, "half of i");
    clock.advance(2000);
    expect(exchanged).toBe(2);
    await tells(["raised critical certificate renew"]);
    await issue(365);
    clock.advance(2000);
    expect(exchanged).toBe(3);
    await tells(["raised critical certificate renew", "resolved warning certificate order"]);
  });

  it("is spoken of 30 days before its end, and again when it has ended, until there is another", async () => {
    await issue(40);
    afterDays(9);
    await tells([]);
    afterDays(2);
    await tells(["raised warning certificate renew"]);
    afterDays(30);
    await tells(["raised warning certificate renew", "raised critical certificate renew"]);
    watch.close();
    // The worker that comes after knows that something was said.
    await issue(365);
    begin();
    await tells([
      "raised warning certificate renew",
      "raised critical certificate renew",
      "resolved warning certificate order",
    ]);
  });

  it("is not used while others can read its key", async () => {
    chmodSync(trustPaths(temp.dir).identity, 0o644);
    clock.advance(2000);
    expect(exchanged).toBe(1);
    await tells(["raised critical certificate chmod"]);
  });
});
