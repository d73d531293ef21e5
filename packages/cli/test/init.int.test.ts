/** Who may come to the bus of a server that is installed: where other hosts reach it, only who shows a certificate. */
import { existsSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../src/index.ts";
import { configIn } from "../src/installation/options.ts";
import { fakeIo } from "./fixture.ts";

let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome();
});
afterEach(() => temp.remove());

const init = async (home: string, ...args: string[]) => {
  const io = fakeIo({ cwd: temp.dir, env: {} });
  const code = await main(["init", temp.path(home), "--files-only", ...args], io);
  return { code, said: `${io.stdout()}${io.stderr()}` };
};
const isSecured = (home: string) => {
  const made = [
    configIn(temp.path(home, "castellan.yaml")).nats?.tls !== undefined,
    existsSync(temp.path(home, "etc", "trust")),
  ];
  expect(new Set(made).size, String(made)).toBe(1);
  return made[0];
};

describe("the bus of a server that is installed", () => {
  it.each([
    ["for this host alone", [], false],
    ["on loopback", ["--listen", "127.0.0.1:4222"], false],
    ["reached by other hosts", ["--listen", "hades:4222"], true],
    ["reached by other hosts, by whoever likes", ["--listen", "hades:4222", "--plain"], false],
    ["shared by servers of this host", ["--listen", "127.0.0.1:4222", "--cluster", "127.0.0.1:6222"], true],
    ["shared by servers", ["--listen", "hades:4222", "--cluster", "hades:6222"], true],
    ["shared by servers, open to all", ["--listen", "h:4222", "--cluster", "h:6222", "--plain"], false],
    ["kept by others", ["--bus", "nats://bus:4222"], false],
  ])("%s", async (_, args, secured) => {
    const { code, said } = await init("home", ...args);
    expect(code, said).toBe(0);
    expect(isSecured("home")).toBe(secured);
  });

  it.each([
    [["--plain"], "needs --listen"],
    [["--plain", "--bus", "nats://bus:4222"], "needs --listen"],
    [["--plain", "--trust", "certificates", "--listen", "hades:4222"], "give one of them"],
  ])("is not made of %j", async (args, words) => {
    const { code, said } = await init("home", ...args);
    expect(said).toContain(words);
    expect(code).toBe(2);
    expect(existsSync(temp.path("home"))).toBe(false);
  });
});
