/** Each way of telling that an instance is ready, with a real instance of its own under a keeper. */
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { eventually, fakePrograms, findProcesses, freePort } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServerKit, type Worker } from "./server-kit.ts";

const node = process.execPath;
let kit: ServerKit;
let worker: Worker;
beforeEach(async () => {
  kit = await ServerKit.create();
});
afterEach(() => kit.dispose());

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
  const steady = [node, fakePrograms.steady];
  // Who is asked over the network is there from the beginning: the time until a program of ours listens is nobody's promise.
  let listener: Server;
  beforeEach(async () => {
    listener = createServer((request, response) => {
      if (request.url === "/503") response.writeHead(503).end();
    }).listen(0, "127.0.0.1");
    await once(listener, "listening");
  });
  afterEach(async () => {
    const closed = once(listener, "close");
    listener.close();
    listener.closeAllConnections();
    await closed;
  });
  const urlOf = (path: string): string => {
    const address = listener.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}${path}`;
  };

  const cases: readonly [string, () => Record<string, unknown>, RegExp][] = [
    [
      "nothing listens",
      () => ({ command: steady, ready: { tcp: 1, timeout: "2s" } }),
      /not ready within 2 s: nothing listens on 127\.0\.0\.1:1 \(ECONNREFUSED\)/,
    ],
    [
      "the URL answers 503",
      () => ({ command: steady, ready: { http: urlOf("/503"), timeout: "2s" } }),
      /not ready within 2 s: http:\/\/127\.0\.0\.1:\d+\/503 answers 503/,
    ],
    [
      "the URL is accepted and never answered",
      () => ({ command: steady, ready: { http: urlOf("/silent"), timeout: "2s" } }),
      /not ready within 2 s: no answer from http/,
    ],
    [
      "there is no such command",
      () => ({ command: steady, ready: { exec: ["/nowhere/check"], timeout: "2s" } }),
      /not ready within 2 s: "\/nowhere\/check" cannot be run: ENOENT/,
    ],
    [
      "the command fails",
      () => ({ command: steady, ready: { exec: ["sh", "-c", "exit 7"], timeout: "2s" } }),
      /not ready within 2 s: "sh" ended with exit code 7/,
    ],
    [
      "the command hangs and will not be told",
      () => ({
        command: steady,
        ready: { exec: ["sh", "-c", 'trap "" TERM; sleep 1000 & sleep 1000'], timeout: "400ms" },
      }),
      /not ready within 400 ms: "sh" did not end in time/,
    ],
    [
      "the line never comes",
      () => ({ command: steady, ready: { logLine: "^ready$", timeout: "400ms" } }),
      /not ready within 400 ms: no line of its output matches \^ready\$/,
    ],
  ];
  test.each(cases)("%s", async (_what, definition, reason) => {
    await expect(start(definition())).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringMatching(reason),
    });
    await worker.until("WIS", 1, "SUSPENDED");
    await eventually(() => findProcesses(kit.home.dir).length === 0, {
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
  process.kill(pid ?? Number.NaN, "SIGKILL");
  const whatFrom = (first: number) => kit.events.slice(first).map(({ what }) => what);
  await eventually(() => expect(whatFrom(from)).toEqual(["failed", "starting", "running"]));
  from = began();
  await worker.bring("WIS", 1, "RESTARTED");
  expect(whatFrom(from)).toEqual(["stopping", "starting", "running"]);
  expect((await kit.output("WIS", 1)).match(/^ready/gm)).toHaveLength(3);
});
