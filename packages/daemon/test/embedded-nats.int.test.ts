import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { createProcReader } from "@castellan/sentinel/pair";
import { assertNothingLeft, eventually, findProcesses, type TempHome, tempHome } from "@castellan/testkit";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { type EmbeddedNats, type EmbeddedNatsDeps, keepEmbeddedNats } from "../src/nats-server/embedded.ts";
import { findNatsServer } from "../src/nats-server/find-binary.ts";

const Recorded = z.object({ identity: z.object({ pid: z.int() }) });
let home: TempHome;
let kept: EmbeddedNats;
const pid = (): number => Recorded.parse(JSON.parse(readFileSync(`${home.dir}/run/nats.json`, "utf8"))).identity.pid;

const keep = (changed: Partial<EmbeddedNatsDeps> = {}): Promise<EmbeddedNats> => {
  const paths = homePaths(home.dir);
  makeHome(paths);
  return keepEmbeddedNats({
    paths,
    environment: process.env,
    binary: findNatsServer(process.env),
    serverName: `test-${randomBytes(3).toString("hex")}`,
    clusterName: "TEST",
    settings: null,
    clock: createSystemClock(),
    proc: createProcReader(),
    rng: systemRng,
    log: silentLogger,
    ...changed,
  });
};
beforeEach(async () => {
  home = await tempHome();
  kept = await keep();
});
afterEach(async () => {
  await kept.stop();
  await assertNothingLeft(home.dir);
  await home.remove();
});

const answers = (): Promise<boolean> =>
  connect({ servers: kept.url, reconnect: false, timeout: 500 }).then(
    async (connection) => {
      await connection.close();
      return true;
    },
    () => false,
  );

/** Also for whoever has to reap it. */
const isGone = (before: number) => eventually(() => expect(() => process.kill(before, 0)).toThrow());

describe("the embedded nats-server", () => {
  it.each(["SIGKILL", "SIGSTOP"] as const)("is back on its port after %s", async (signal) => {
    const before = pid();
    process.kill(before, signal);
    await eventually(async () => pid() !== before && (await answers()), {
      withinMs: 90_000,
      describe: "another server answers on the same port",
    });
    await isGone(before);
  });

  it("that does not get ready is killed before the next attempt", async () => {
    await kept.stop();
    const real = createSystemClock();
    // Time runs fifty times as fast for whoever waits for it.
    const clock = { ...real, bootMs: () => real.bootMs() * 50 };
    const binary = home.path("never-ready");
    writeFileSync(binary, `#!/bin/sh\necho $$ >> "${home.path("pids")}"\nexec sleep 1000\n`, { mode: 0o755 });
    kept = await keep({ binary, clock });
    const pids = (): number[] => readFileSync(home.path("pids"), "utf8").trim().split("\n").map(Number);
    await eventually(() => pids().length >= 2, { withinMs: 90_000, describe: "a second attempt" });
    // Before it is looked who is there: the last of them may have had its time meanwhile.
    const earlier = pids().slice(0, -1);
    expect(findProcesses(home.dir).filter(({ pid: found }) => earlier.includes(found))).toEqual([]);
  });

  it("is never there twice, even when its record was lost", async () => {
    const before = pid();
    kept.leave();
    rmSync(home.path("run"), { recursive: true });
    kept = await keep();
    expect(pid()).not.toBe(before);
    await isGone(before);
    await eventually(answers);
  });
});
