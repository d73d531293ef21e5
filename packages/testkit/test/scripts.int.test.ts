/** The repository's own scripts, as far as they can be tried without a network. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { natsServerBinary, repositoryRoot, type TempHome, tempHome } from "../src/index.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
  readonly stderr: string;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { env, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, lines: stdout.trimEnd().split("\n"), stderr });
    });
  });
}

/** A test as vitest reports it. */
const test = (title: string, status: string) => ({ ancestorTitles: ["a server", title], status });

/** A program at `path` below the home directory that says it is this version of nats-server. */
async function fakeServer(path: string, version: string): Promise<string> {
  const file = home.path(path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(file, 0o755);
  return file;
}

/** Runs nats-server.sh. It sees no network: apt-get, where it would get to it, says no. */
async function findServer(env: Record<string, string>): Promise<Outcome> {
  const bin = home.path("bin");
  await mkdir(bin, { recursive: true });
  await writeFile(`${bin}/apt-get`, "#!/bin/sh\nexit 100\n");
  await chmod(`${bin}/apt-get`, 0o755);
  const base = { HOME: home.dir, PATH: `${bin}:/usr/bin:/bin` };
  return run("bash", [`${repositoryRoot}/scripts/nats-server.sh`], { ...base, ...env });
}

function sum(): Promise<Outcome> {
  return run(process.execPath, [`${repositoryRoot}/scripts/sum-tests.mjs`, home.dir]);
}

/** What one layer left behind. */
async function layer(name: string, status: number, report?: object): Promise<void> {
  await writeFile(home.path(`${name}.status`), `${status}\n`);
  if (report !== undefined) await writeFile(home.path(`${name}.json`), JSON.stringify(report));
}

describe("scripts/nats-server.sh", () => {
  it("takes the one that was named, and refuses it when it is too old or none", async () => {
    const named = await fakeServer("named", "2.10.0");
    expect(await findServer({ CASTELLAN_NATS_SERVER: named })).toMatchObject({ code: 0, lines: [named] });
    await fakeServer("named", "2.9.25");
    expect(await findServer({ CASTELLAN_NATS_SERVER: named })).toMatchObject({ code: 1, lines: [""] });
    const none = await findServer({ CASTELLAN_NATS_SERVER: "/bin/true" });
    expect(none.stderr).toContain("CASTELLAN_NATS_SERVER=/bin/true is not a nats-server >= 2.10");
  });

  it("prefers a recent one on PATH to the cache, and the cache to an old one on PATH", async () => {
    const cached = await fakeServer(".cache/castellan/nats-server", "2.15.1");
    expect((await findServer({})).lines).toEqual([cached]);
    const onPath = await fakeServer("bin/nats-server", "3.0.0");
    expect((await findServer({})).lines).toEqual([onPath]);
    await fakeServer("bin/nats-server", "2.9.10");
    expect((await findServer({})).lines).toEqual([cached]);
    expect((await findServer({ XDG_CACHE_HOME: home.path("other") })).code).toBe(1);
  });

  it("says what to install when it cannot be fetched", async () => {
    const outcome = await findServer({});
    expect(outcome).toMatchObject({ code: 1, lines: [""] });
    expect(outcome.stderr).toMatch(/Install nats-server >= 2\.10 and put it on PATH/);
  });

  it("finds one on this machine", async () => {
    expect((await run(await natsServerBinary(), ["-v"])).lines[0]).toMatch(/^nats-server: v2\.1\d/);
  });
});

describe("scripts/sum-tests.mjs", () => {
  it("adds up the layers", async () => {
    await layer("unit", 0, { numPassedTests: 120, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 });
    await layer("integration", 0, { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 });
    await layer("chaos", 0);
    expect(await sum()).toMatchObject({ code: 0, lines: ["123 passed, 0 failed"] });
    await layer("acceptance", 0, { numPassedTests: 1, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1 });
    expect(await sum()).toMatchObject({ code: 0, lines: ["124 passed, 0 failed, 3 skipped"] });
  });

  it("names the tests that failed and the files that do not load, and fails", async () => {
    const passed = { status: "passed" };
    const failed = {
      status: "failed",
      fullName: "a thing does it",
      failureMessages: ["Error: \u001b[31mno\u001b[0m\n\n    at x"],
    };
    const failing = { name: `${process.cwd()}/b.test.ts`, status: "failed", assertionResults: [failed, passed] };
    const broken = {
      name: `${process.cwd()}/a.test.ts`,
      status: "failed",
      message: "no such module",
      assertionResults: [],
    };
    await layer("unit", 1, { numPassedTests: 4, numFailedTests: 1, testResults: [broken, failing] });
    expect(await sum()).toMatchObject({
      code: 1,
      lines: [
        "FAILED unit a.test.ts (the file or its set-up)",
        "  | no such module",
        "FAILED unit b.test.ts: a thing does it",
        "  | Error: no",
        "  |     at x",
        "4 passed, 2 failed",
      ],
    });
  });

  it("names many failures in few lines", async () => {
    const test = { status: "failed", fullName: "does it", failureMessages: ["Error: no\n  at x"] };
    const file = { name: `${process.cwd()}/b.test.ts`, status: "failed", assertionResults: [test, test, test] };
    await layer("unit", 1, { numPassedTests: 0, numFailedTests: 3, testResults: [file] });
    expect((await sum()).lines).toHaveLength(3 * 2 + 1);
  });

  it("counts a layer that broke without a failed test as a failure, and says what the stray error was", async () => {
    await layer("unit", 0, { numPassedTests: 4, numFailedTests: 0 });
    await layer("integration", 137);
    await writeFile(home.path("integration.stray"), "Error: floating\n    at y");
    const outcome = await sum();
    expect(outcome.code).toBe(1);
    expect(outcome.lines).toEqual([
      "FAILED integration no test failed, yet vitest ended with 137 (see above)",
      "  | Error: floating",
      "  |     at y",
      "4 passed, 1 failed",
    ]);
  });

  it("says which databases the store was tried on, and how", async () => {
    const assertionResults = [
      test("SQLite", "passed"),
      test("SQLite", "skipped"),
      test("PostgreSQL", "passed"),
      test("PostgreSQL", "failed"),
      test("oracle (H2, emulated)", "passed"),
      test("oracle (real) (skipped: TEST_ORACLE_URL is not set)", "skipped"),
      test("mssql (real)", "passed"),
    ];
    const testResults = [{ name: `${process.cwd()}/store.int.test.ts`, status: "passed", assertionResults }];
    for (const name of ["databases", "integration", "unit"])
      await layer(name, 0, { numPassedTests: 4, numFailedTests: 0, testResults });
    expect((await sum()).lines.filter((line) => line.startsWith("databases: "))).toEqual([
      "databases: oracle emulated (H2), mssql emulated (TDS double on H2): not run (install Java and libh2-java), " +
        "oracle real: not run (TEST_ORACLE_URL is not set), mssql real",
      "databases: sqlite real, postgres real FAILED",
    ]);
  });

  it("fails when nothing ran", async () => {
    await layer("unit", 0);
    expect(await sum()).toMatchObject({ code: 1, lines: ["no test ran", "0 passed, 0 failed"] });
  });
});

it("every script is marked executable and stops at the first error", async () => {
  for (const name of ["scripts/nats-server.sh", "scripts/test.sh", "scripts/start.sh", ".ci/run"]) {
    const text = await readFile(`${repositoryRoot}/${name}`, "utf8");
    expect(text, name).toMatch(/^#!\/usr\/bin\/env bash\n(#.*\n)+set -euo pipefail\n/);
    expect(await run("test", ["-x", `${repositoryRoot}/${name}`]), name).toMatchObject({ code: 0 });
  }
});
