import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { createProcReader } from "@castellan/sentinel/pair";
import { assertNothingLeft, eventually, type TempHome, tempHome } from "@castellan/testkit";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../src/nats-server/embedded.ts";
import { findNatsServer } from "../src/nats-server/find-binary.ts";

const Recorded = z.object({ identity: z.object({ pid: z.int() }) });
let home: TempHome;
let kept: EmbeddedNats;
const pid = (): number => Recorded.parse(JSON.parse(readFileSync(`${home.dir}/run/nats.json`, "utf8"))).identity.pid;

const keep = (): Promise<EmbeddedNats> => {
  const paths = homePaths(home.dir);
  makeHome(paths);
  return keepEmbeddedNats({
    paths,
    environment: process.env,
    binary: findNatsServer(process.env),
    serverName: `test-${randomBytes(3).toString("hex")}`,
    clock: createSystemClock(),
    proc: createProcReader(),
    rng: systemRng,
    log: silentLogger,
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

describe("the embedded nats-server", () => {
  it.each(["SIGKILL", "SIGSTOP"] as const)("is back on its port after %s", async (signal) => {
    const before = pid();
    process.kill(before, signal);
    await eventually(async () => pid() !== before && (await answers()), {
      withinMs: 15_000,
      describe: "another server answers on the same port",
    });
    expect(() => process.kill(before, 0)).toThrow();
  });

  it("is never there twice, even when its record was lost", async () => {
    const before = pid();
    kept.leave();
    rmSync(home.path("run"), { recursive: true });
    kept = await keep();
    expect(pid()).not.toBe(before);
    expect(() => process.kill(before, 0)).toThrow();
    expect(await answers()).toBe(true);
  });
});
