import { mkdir, symlink, writeFile } from "node:fs/promises";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readHome } from "../src/home.ts";
import { main } from "../src/index.ts";
import { fakeIo } from "./fixture.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
  for (const dir of ["data", "run"]) await mkdir(home.path(dir));
});
afterEach(() => home.remove());

const endpoints = {
  node: "castellan",
  server: "hades",
  natsUrl: "nats://127.0.0.1:4999",
  databaseUrl: "sqlite:data/castellan.db",
  consoleUrl: null,
};

describe("readHome", () => {
  it("says how to begin where no node lives", async () => {
    const message = `no node lives in ${home.dir}: start one with \`castellan up --home ${home.dir}\``;
    await expect(readHome(home.dir, "hades")).rejects.toThrow(message);
    await writeFile(home.path("castellan.yaml"), "");
    await expect(readHome(home.dir, "hades"), "configured, and never started").rejects.toThrow(message);
  });

  it("does not take for missing what it is not let see", async () => {
    // A link to itself stands for a directory of another user: the tests may run as root, who may see everything.
    await symlink("loop", home.path("loop"));
    await expect(readHome(home.path("loop"), "hades")).rejects.toMatchObject({ code: "ELOOP" });
    await writeFile(home.path("castellan.yaml"), `database: { url: "sqlite:${home.path("loop")}" }\n`);
    await expect(readHome(home.dir, "hades")).rejects.toMatchObject({ code: "ELOOP" });
  });

  it("finds the embedded bus where the running server says it is", async () => {
    await writeFile(home.path("data/castellan.db"), "");
    expect(await readHome(home.dir, "Hades")).toMatchObject({ nats: null });
    await writeFile(home.path("run/endpoints.json"), JSON.stringify(endpoints));
    const found = await readHome(home.dir, "Hades");
    expect(found.nats).toEqual({ url: "nats://127.0.0.1:4999", credentials: null, tls: null });
    expect(found.settings).toMatchObject({ node: "castellan", server: "hades" });
    await writeFile(home.path("run/endpoints.json"), '{"node":');
    expect((await readHome(home.dir, "Hades")).nats, "half a file").toBeNull();
  });

  it("prefers the configured bus", async () => {
    await writeFile(home.path("data/castellan.db"), "");
    await writeFile(home.path("run/endpoints.json"), JSON.stringify(endpoints));
    await writeFile(home.path("castellan.yaml"), "nats: { url: nats://bus:4222 }\n");
    expect((await readHome(home.dir, "hades")).nats?.url).toBe("nats://bus:4222");
  });

  it("reads a file of comments as the defaults, and one that cannot be read as a mistake", async () => {
    await writeFile(home.path("data/castellan.db"), "");
    await writeFile(home.path("castellan.yaml"), "\uFEFF# node: ips1\r\n\t# server: hades\r\n\r\n  \n#");
    expect((await readHome(home.dir, "hades")).settings.node).toBe("castellan");
    await writeFile(home.path("castellan.yaml"), "# the node\n  node: ips1 # its name\n");
    expect((await readHome(home.dir, "hades")).settings.node).toBe("ips1");
    await writeFile(home.path("castellan.yaml"), "# the node\n- ips1\n");
    await expect(readHome(home.dir, "hades")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

const run = async (...args: string[]) => {
  const io = fakeIo({ cwd: home.dir, env: { CASTELLAN_HOME: home.dir } });
  return { code: await main(args, io), stdout: io.stdout(), stderr: io.stderr() };
};

describe("the program in a home", () => {
  it("answers 3 where no node lives, in both languages", async () => {
    const { code, stdout, stderr } = await run("status", "--json");
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "NO_HOME", details: { home: home.dir } } });
    expect(stderr).toContain(`castellan: no node lives in ${home.dir}`);
  });

  it("names every mistake of castellan.yaml with its line", async () => {
    await writeFile(home.path("data/castellan.db"), "");
    await writeFile(home.path("castellan.yaml"), "nod: ips1\nserver: Not A Name\n");
    const { code, stderr } = await run("status");
    expect(code).toBe(2);
    expect(stderr).toMatch(/castellan\.yaml:1:1: .*nod/);
    expect(stderr).toMatch(/castellan\.yaml:2:9: server: a server name/);
  });

  it("names every mistake of a spec with its line, before it looks for the node", async () => {
    await writeFile(home.path("types.yaml"), "types:\n  WEB:\n    comand: [x]\n    layer: middle\n");
    const { code, stderr } = await run("apply", "types.yaml");
    expect(code).toBe(2);
    expect(stderr).toMatch(/types\.yaml:4:12: types\.WEB\.layer/);
    expect(stderr).toContain("comand");
    const missing = await run("apply", "nothing.yaml");
    expect(missing).toMatchObject({ code: 2, stderr: `castellan: ${home.path("nothing.yaml")}: no such file\n` });
  });
});
