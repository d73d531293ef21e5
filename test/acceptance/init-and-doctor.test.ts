/** From an empty directory to a node that runs, as somebody does it who brings processes of his own. */
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cliPath, killAll, runCli, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { said } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

const Diagnosis = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      check: z.string(),
      verdict: z.enum(["ok", "warn", "fail"]),
      found: z.string(),
      remedy: z.string().nullable(),
    }),
  ),
});

let temp: TempHome;
let home: string;
beforeEach(async () => {
  temp = await tempHome();
  home = temp.path("my node");
});
afterEach(async () => {
  await killAll(home);
  await temp.remove();
});

const castellan = (...args: string[]) => runCli([...args, "--home", home], { timeoutMs: 90_000 });

async function diagnosis() {
  const result = await castellan("doctor", "--json");
  const { ok, checks } = Diagnosis.parse(JSON.parse(result.stdout));
  expect(result.code, said(result)).toBe(ok ? 0 : 1);
  return { ok, of: (name: string) => checks.find(({ check }) => check === name) };
}

describe("a new home", () => {
  it("is made by init, looked at by doctor, filled in, and brought up", async () => {
    const init = await runCli(["init", home, "--files-only"]);
    expect(init.code, said(init)).toBe(0);
    for (const name of ["castellan.yaml", "fspart", "etc/types.yaml"]) expect(init.stdout).toContain(name);
    expect(init.stdout).toContain(`castellan up --home '${home}'`);
    const before = await diagnosis();
    expect(before.ok).toBe(true);
    expect(before.of("database")?.found).toContain("is made by the first");
    expect(before.of("sentinel")?.found).toContain("not running");

    const empty = await castellan("apply", temp.path("my node/etc/types.yaml"), "--dry-run");
    expect(empty.code).toBe(3); // there is no node yet, and it says so
    writeFileSync(temp.path("my node/etc/types.yaml"), ONE);
    const up = await castellan("up", "--detach");
    expect(up.code, said(up)).toBe(0);
    expect(up.stdout).toContain("took 1 process types from");
    const after = await diagnosis();
    expect(after.ok).toBe(true);
    expect(after.of("bus")?.found).toContain("answers in");
    expect(after.of("JetStream")?.verdict).toBe("ok");
    expect(after.of("clock")?.found).toContain("agrees with the bus");
    expect(after.of("database")?.found).toContain("(SQLite 3.");
    expect(after.of("schema")).toMatchObject({ verdict: "ok", found: expect.stringMatching(/^version \d+$/) });
    expect(after.of("release")).toMatchObject({ verdict: "ok", found: expect.stringMatching(/^\d+\.\d+\.\d+ on /) });
    expect(after.of("util-linux")?.found).toMatch(/^fallocate of util-linux 2\./);
    expect(after.of("sentinel")?.found).toMatch(/worker \d+, watcher \d+/);
    const down = await castellan("down");
    expect(down.code, said(down)).toBe(0);
  });

  it("has its schema after init, with this server in it", async () => {
    const init = await castellan("init", "--server", "hades");
    expect(init.stdout).toMatch(/made the schema of node castellan in sqlite:.*; hades is its first server/);
    const { of } = await diagnosis();
    expect(of("schema")?.found).toMatch(/^version \d+$/);
    expect(readFileSync(temp.path("my node/castellan.yaml"), "utf8")).toContain('server: "hades"');
  });

  it("does not overwrite anything, and writes nothing then", async () => {
    mkdirSync(home);
    writeFileSync(temp.path("my node/fspart"), "/ 1G\n");
    const init = await castellan("init");
    expect(init.code).toBe(1);
    expect(init.stderr).toContain("holds fspart already: nothing was written");
    expect(readFileSync(temp.path("my node/fspart"), "utf8")).toBe("/ 1G\n");
    expect((await diagnosis()).of("settings")?.verdict).toBe("ok");
  });

  it("holds files that change nothing as they stand", async () => {
    await castellan("init");
    const up = await castellan("up", "--detach");
    expect(up.code, said(up)).toBe(0);
    expect(up.stdout).toContain("no processes are defined yet: write");
    const again = await castellan("up", "--detach", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ node: "castellan", launched: [], started: true });
    const apply = await castellan("apply", temp.path("my node/etc/types.yaml"));
    expect(apply.code, said(apply)).toBe(0);
    expect(apply.stdout).toContain("nothing");
    expect((await castellan("down")).code).toBe(0);
  });
});

describe("castellan doctor", () => {
  it("finds what is wrong, all of it at once, says what to do, and ends with 1", async () => {
    await castellan("init");
    const yaml = [
      "nats: { url: nats://127.0.0.1:1, credentials: etc/none.creds }",
      "database: { url: postgres://castellan@127.0.0.1:1/none, passwordFile: etc/db.password }",
    ];
    writeFileSync(temp.path("my node/castellan.yaml"), `${yaml.join("\n")}\n`);
    writeFileSync(temp.path("my node/etc/db.password"), "secret-word\n");
    chmodSync(temp.path("my node/etc/db.password"), 0o644);
    writeFileSync(temp.path("my node/fspart"), "/nowhere/at/all\n. 900P\n");
    chmodSync(temp.path("my node/data"), 0o755);
    const { ok, of } = await diagnosis();
    expect(ok).toBe(false);
    expect(of("bus")).toMatchObject({ verdict: "fail" });
    expect(of("secrets")?.found).toContain("nats.credentials");
    expect(of("database")).toMatchObject({ verdict: "fail", found: expect.stringContaining("127.0.0.1:1") });
    expect(of("disks")).toMatchObject({ verdict: "fail" });
    expect(of("home")).toMatchObject({ verdict: "warn", remedy: expect.stringContaining("chmod 700") });
    const people = await castellan("doctor");
    expect(people.stdout).toMatch(/\d to mend, \d to look at\n$/);
    expect(people.stdout + people.stderr).not.toContain("secret-word");
  });

  it("misses the program that bounds the outputs of processes", async () => {
    await castellan("init");
    const result = await runCli(["doctor", "--json", "--home", home], { env: { PATH: temp.path("empty") } });
    const { checks } = Diagnosis.parse(JSON.parse(result.stdout));
    expect(checks.find(({ check }) => check === "util-linux")).toMatchObject({
      verdict: "warn",
      found: expect.stringContaining("there is no program fallocate"),
      remedy: expect.stringContaining("install util-linux"),
    });
  });

  it("says where castellan.yaml is wrong", async () => {
    await castellan("init");
    writeFileSync(temp.path("my node/castellan.yaml"), "node: ips1\nserverr: hades\n");
    const { of } = await diagnosis();
    expect(of("settings")).toMatchObject({
      verdict: "fail",
      found: expect.stringMatching(/castellan\.yaml:2.*serverr/),
    });
  });
});

describe("a home that is not ours to write", () => {
  const isRoot = process.getuid?.() === 0;
  const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  // Root may write everywhere: as root the program is run as nobody, who must be allowed to read this clone.
  const canTry = !isRoot || spawnSync("setpriv", [...asNobody, "test", "-r", cliPath]).status === 0;

  it.skipIf(!canTry)("ends `up` with 5 before anything is begun", async () => {
    await castellan("init");
    chmodSync(home, 0o555);
    const up = [process.execPath, cliPath, "up", "--detach", "--home", home];
    const [program = "", ...args] = isRoot ? ["setpriv", ...asNobody, ...up] : up;
    const { code, stderr } = await promisify(execFile)(program, args).then(
      () => ({ code: 0, stderr: "" }),
      (failed: { code: number; stderr: string }) => failed,
    );
    chmodSync(home, 0o755);
    expect({ code, stderr }).toMatchObject({ code: 5 });
    expect(stderr).toContain("run it as the user to whom the node's home belongs");
  });

  // Only root may give a directory away.
  it.skipIf(!isRoot)("is refused to root as well, before anything is begun: the owner is named", async () => {
    await castellan("init");
    chownSync(join(home, "run"), 65534, 65534);
    for (const command of [["up", "--detach"], ["upgrade"], ["reload"]]) {
      const refused = await castellan(...command);
      expect(refused.code, said(refused)).toBe(5);
      expect(said(refused)).toMatch(/belongs to \S+, and this is root[^]*sudo -u \S+ castellan/);
    }
    expect(readdirSync(join(home, "run"))).not.toContain("watcher.json");
  });
});
