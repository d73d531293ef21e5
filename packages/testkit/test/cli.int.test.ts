import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  assertNothingLeft,
  cliPath,
  eventually,
  fakePrograms,
  killAll,
  repositoryRoot,
  runCli,
  startCli,
  type TempHome,
  tempHome,
} from "../src/index.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(async () => {
  await killAll(home.dir);
  await home.remove();
});

/** A program of one statement in place of the command line program. */
async function script(source: string): Promise<string> {
  const file = home.path("program.mjs");
  await writeFile(file, source);
  return file;
}

it("knows the repository", () => {
  expect(existsSync(`${repositoryRoot}/package-lock.json`)).toBe(true);
  expect(cliPath).toBe(`${repositoryRoot}/packages/cli/bin/castellan.mjs`);
});

it("gives exit code and both outputs, and passes arguments, home and environment without the test runner's", async () => {
  const program = await script(`
    const { CASTELLAN_HOME, EXTRA, VITEST } = process.env;
    process.stdout.write(JSON.stringify([process.argv.slice(2), CASTELLAN_HOME, EXTRA, VITEST ?? null]));
    process.stderr.write("oops");
    process.exitCode = 3;
  `);
  const result = await runCli(["status", "--json"], { program, home: home.dir, env: { EXTRA: "yes" } });
  expect(result).toMatchObject({ code: 3, stderr: "oops" });
  expect(JSON.parse(result.stdout)).toEqual([["status", "--json"], home.dir, "yes", null]);
});

it("says what was printed when the program is not done in time", async () => {
  const program = await script(`process.stdout.write("half"); setInterval(() => {}, 1000);`);
  const late = (timeoutMs: number): Promise<string> =>
    runCli(["up"], { program, home: home.dir, timeoutMs }).then(
      ({ code }) => `ended with ${code}`,
      (thrown: Error) => thrown.message,
    );
  // How long a program takes to begin, on this machine and now, nobody knows.
  let timeoutMs = 500;
  let said: string;
  do said = await late((timeoutMs *= 2));
  while (/stdout: \n/.test(said) && timeoutMs < 60_000);
  expect(said).toBe(`castellan up: not done after ${timeoutMs} ms\nstdout: half\nstderr: `);
  await assertNothingLeft(home.dir);
});

it("refuses a program whose children keep its output open", async () => {
  const program = await script(`
    import { spawn } from "node:child_process";
    spawn(process.execPath, [${JSON.stringify(fakePrograms.steady)}], { stdio: "inherit", detached: true }).unref();
  `);
  const held = runCli(["up"], { program, home: home.dir, outputGraceMs: 1000 });
  await expect(held).rejects.toMatchObject({ code: "CLI_OUTPUT_HELD" });
});

it("leaves a started one running until it is told", async () => {
  const running = startCli([], { program: fakePrograms.steady, home: home.dir });
  await eventually(() => running.stdout().includes("started"));
  running.signal("SIGTERM");
  expect(await running.ended).toEqual({ code: 0, stdout: "started\nstopping\n", stderr: "" });
  const killed = startCli([], { program: fakePrograms.steady, home: home.dir });
  await eventually(() => killed.stdout().includes("started"));
  killed.signal("SIGKILL");
  expect((await killed.ended).code).toBe(137);
});
