/** Each way of telling that an instance is ready, with a real instance of its own under a keeper. */
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { eventually, fakePrograms, findProcesses } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServerKit, type Worker } from "./server-kit.ts";

const node = process.execPath;
let kit: ServerKit;
let worker: Worker;
beforeEach(async () => {
  kit = await ServerKit.create();
});
afterEach(() => kit.dispose());

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function start(definition: Record<string, unknown>): Promise<{ status: string; comment: string }> {
  await kit.attribute("PROCESS_AUTO_RESTARTS", "0");
  await kit.define("WIS", 1, definition);
  worker = await kit.worker();
  return await worker.bring("WIS", 1, "RUNNING");
}
const DONE = { status: "RUNNING", comment: "started" };
const inline = (script: string): string[] => [node, "-e", script];

/** An HTTP server on `port` that does `answer` with each request. */
const serving = (port: number, answer: string): string[] =>
  inline(`require("node:http").createServer((request, response) => { ${answer} }).listen(${port}, "127.0.0.1")`);

describe("it is RUNNING once", () => {
  test("its port listens", async () => {
    const port = await freePort();
    expect(await start({ command: [node, fakePrograms.http, String(port)], ready: { tcp: port } })).toEqual(DONE);
  });

  test("its URL answers, a redirect included; the placeholders are filled in", async () => {
    const port = await freePort();
    const command = serving(port, `response.writeHead(request.url === "/wis/1" ? 302 : 500, { location: "/" }).end()`);
    expect(await start({ command, ready: { http: `http://127.0.0.1:${port}/{type}/{instance}` } })).toEqual(DONE);
  });

  test("its URL has answered with a head, though the body never ends", async () => {
    const port = await freePort();
    const command = serving(port, `response.writeHead(200); setInterval(() => response.write("."), 50)`);
    expect(await start({ command, ready: { http: `http://127.0.0.1:${port}/` } })).toEqual(DONE);
  });

  test("its command says so, with the instance's environment and directory", async () => {
    const ready = { exec: ["sh", "-c", 'touch asked && [ -f here ] && [ "$COLOUR" = red ]'] };
    const started = start({ command: [node, fakePrograms.steady], env: { COLOUR: "red" }, ready });
    await eventually(() => existsSync(join(kit.home.dir, "asked")), { describe: "it was asked, and is not ready" });
    expect((await worker.statusOf("WIS", 1)).status).toBe("STARTING");
    writeFileSync(join(kit.home.dir, "here"), "");
    expect(await started).toEqual(DONE);
  });

  test("its output has the line, after any amount of other output", async () => {
    const script =
      "for (let i = 0; i < 30000; i += 1) console.log('noise'.repeat(20)); console.log('ready now'); setInterval(() => {}, 1e6)";
    const definition = { command: inline(script), ready: { logLine: "^ready now$" }, logs: { keep: "256K" } };
    expect(await start(definition)).toEqual(DONE);
  });
});

describe("it is not, and the reason is told and the process stopped, when", () => {
  const cases: readonly [string, (port: number) => Record<string, unknown>, RegExp][] = [
    [
      "nothing listens",
      (port) => ({ command: [node, fakePrograms.steady], ready: { tcp: port, timeout: "400ms" } }),
      /not ready within 400 ms: nothing listens on 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/,
    ],
    [
      "the URL answers 503",
      (port) => ({
        command: serving(port, "response.writeHead(503).end()"),
        ready: { http: `http://127.0.0.1:${port}/health`, timeout: "3s" },
      }),
      /not ready within 3 s: http:\/\/127\.0\.0\.1:\d+\/health answers 503/,
    ],
    [
      "the URL is accepted and never answered",
      (port) => ({
        command: serving(port, "void response"),
        ready: { http: `http://127.0.0.1:${port}/`, timeout: "3s" },
      }),
      /not ready within 3 s: no answer from http/,
    ],
    [
      "there is no such command",
      () => ({ command: [node, fakePrograms.steady], ready: { exec: ["/nowhere/check"], timeout: "300ms" } }),
      /not ready within 300 ms: "\/nowhere\/check" cannot be run: ENOENT/,
    ],
    [
      "the command fails",
      () => ({ command: [node, fakePrograms.steady], ready: { exec: ["sh", "-c", "exit 7"], timeout: "300ms" } }),
      /not ready within 300 ms: "sh" ended with exit code 7/,
    ],
    [
      "the command hangs and will not be told",
      () => ({
        command: [node, fakePrograms.steady],
        ready: { exec: ["sh", "-c", 'trap "" TERM; sleep 1000 & sleep 1000'], timeout: "400ms" },
      }),
      /not ready within 400 ms: "sh" did not end in time/,
    ],
    [
      "the line never comes",
      () => ({ command: [node, fakePrograms.steady], ready: { logLine: "^ready$", timeout: "400ms" } }),
      /not ready within 400 ms: no line of its output matches \^ready\$/,
    ],
  ];
  test.each(cases)("%s", async (_what, definition, reason) => {
    await expect(start(definition(await freePort()))).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringMatching(reason),
    });
    await worker.until("WIS", 1, "SUSPENDED");
    await eventually(() => findProcesses(kit.home.dir).length === 0, {
      withinMs: 30_000,
      describe: "neither the instance nor its question is left",
    });
  });
});

test("every launch is asked anew: after a death and after RESTART it is STARTING until it is ready again", async () => {
  await kit.define("WIS", 1, { command: [node, fakePrograms.slow, "700"], ready: { logLine: "^ready" } });
  worker = await kit.worker();
  await worker.bring("WIS", 1, "RUNNING");
  const { pid } = await worker.statusOf("WIS", 1);
  const began = (): number => kit.events.length;
  let from = began();
  process.kill(pid ?? 0, "SIGKILL");
  await worker.until("WIS", 1, "STARTING");
  await worker.until("WIS", 1, "RUNNING");
  const whatFrom = (first: number) => kit.events.slice(first).map(({ what }) => what);
  expect(whatFrom(from)).toEqual(["failed", "starting", "running"]);
  from = began();
  await worker.bring("WIS", 1, "RESTARTED");
  expect(whatFrom(from)).toEqual(["stopping", "starting", "running"]);
  expect((await kit.output("WIS", 1)).match(/^ready/gm)).toHaveLength(3);
});
