import { appendFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createSystemClock } from "@castellan/kernel";
import type { Readiness } from "@castellan/protocol";
import { assertNothingLeft, eventually, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCutHead } from "../../src/output/cut-head.ts";
import { CUT_GRAIN } from "../../src/output/read-output.ts";
import type { ProbeContext } from "../../src/process/probe.ts";
import { awaitReady, type ReadinessResult } from "../../src/process/readiness.ts";
import { createProbe } from "../../src/process/readiness-probes.ts";

const clock = createSystemClock();
let home: TempHome;
let server: { close(): unknown } | null = null;

beforeEach(async () => {
  home = await tempHome();
  await writeFile(home.path("log"), "");
});
afterEach(async () => {
  server?.close();
  server = null;
  await assertNothingLeft(home.dir);
  await home.remove();
});

async function serve(status: number): Promise<number> {
  const made = createServer((_request, response) => response.writeHead(status).end("body"));
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const fill = (text: string): string => text.replaceAll("{instance}", "1");

function context(logOffset = 0): ProbeContext {
  const env = { PATH: process.env.PATH ?? "", HOME_MARKER: home.dir };
  return { fill, cwd: home.dir, env, logFile: home.path("log"), logOffset };
}

const never = (): AbortSignal => new AbortController().signal;

function ask(spec: Readiness, signal = never(), logOffset = 0): Promise<ReadinessResult> {
  return awaitReady(spec, context(logOffset), clock, signal);
}

/** What one question is answered, however long that takes: null for yes. */
async function answerTo(spec: Parameters<typeof createProbe>[0]): Promise<string | null> {
  const made = createProbe(spec, context());
  return made.ok ? await made.probe(never()) : made.reason;
}

/** Long enough for one question to be answered. */
const timeout = 30_000;

describe("readiness", () => {
  test("tcp: ready once something listens; the reason names the port when nothing does", async () => {
    const port = await serve(200);
    expect(await ask({ tcp: port, timeout })).toEqual({ ready: true });
    expect(await ask({ tcp: `localhost:${port}`, timeout })).toEqual({ ready: true });
    expect(await answerTo({ tcp: "{instance}", timeout })).toContain("nothing listens on 127.0.0.1:1");
    expect(await ask({ tcp: "{instance}", timeout: 100 })).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/^not ready within 100 ms: .* 127\.0\.0\.1:1/),
    });
  });

  test("http: 2xx and 3xx are ready, 5xx is not", async () => {
    const url = `http://127.0.0.1:${await serve(302)}/health`;
    expect(await ask({ http: url, timeout })).toEqual({ ready: true });
    server?.close();
    const failing = `http://127.0.0.1:${await serve(503)}/health`;
    expect(await answerTo({ http: failing, timeout })).toContain("answers 503");
    expect(await ask({ http: failing, timeout: 100 })).toMatchObject({ ready: false });
  });

  test("exec: exit code 0 is ready; one that hangs is killed with its group", async () => {
    expect(await ask({ exec: ["test", "-f", "log"], timeout })).toEqual({ ready: true });
    expect(await answerTo({ exec: ["false"], timeout })).toContain("exit code 1");
    expect(await answerTo({ exec: ["/nowhere"], timeout })).toContain("ENOENT");
    expect(await ask({ exec: ["false"], timeout: 100 })).toMatchObject({ ready: false });
    const hanging = await ask({ exec: ["sh", "-c", "sleep 1000 & sleep 1000"], timeout: 200 });
    expect(hanging).toMatchObject({ reason: expect.stringContaining("did not end in time") });
    await assertNothingLeft(home.dir);
  });

  test("logLine: only what was written after the launch counts, also when a line comes in parts", async () => {
    await writeFile(home.path("log"), "ready 1\n");
    expect(await ask({ logLine: "^ready", timeout: 100 }, undefined, 8)).toMatchObject({ ready: false });
    const asked = ask({ logLine: "^ready 2$", timeout }, undefined, 8);
    await appendFile(home.path("log"), "noise\nrea");
    await appendFile(home.path("log"), "dy 2\n");
    expect(await asked).toEqual({ ready: true });
  });

  test("logLine: goes on waiting when the head of the output is cut off meanwhile", async () => {
    const cut = createCutHead({ PATH: process.env["PATH"] ?? "" });
    await writeFile(home.path("log"), `${"noise ".repeat(20)}\n`.repeat(4000));
    const asked = ask({ logLine: "^ready 3$", timeout });
    await appendFile(home.path("log"), "rea");
    expect(await cut(home.path("log"), 4 * CUT_GRAIN)).toMatchObject({ how: "collapsed" });
    await appendFile(home.path("log"), "dy 3\n");
    expect(await asked).toEqual({ ready: true });
  });

  test("logLine: a pattern that would take for ever is interrupted, a broken one is told at once", async () => {
    await writeFile(home.path("log"), `${"a".repeat(3000)}!\n`);
    expect(await ask({ logLine: "^(a+)+$", timeout: 500 })).toMatchObject({ ready: false });
    expect(await ask({ logLine: "(", timeout: 600_000 })).toMatchObject({
      reason: expect.stringContaining("regular expression"),
    });
  });

  test("an abort ends the waiting at once", async () => {
    const abort = new AbortController();
    const asked = ask({ tcp: 1, timeout: 600_000 }, abort.signal);
    let result: ReadinessResult | null = null;
    void asked.then((value) => {
      result = value;
    });
    abort.abort();
    await eventually(() => result !== null);
    expect(result).toEqual({ ready: false, reason: "aborted" });
  });
});
