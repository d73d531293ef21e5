/**
 * A stranger on the bus: anything on every subject of the node, oddly replied to, and a flood of it. What is asked is
 * answered with a code; the node goes on working, in bounded memory, and does nothing it was not asked.
 */
import { readFileSync } from "node:fs";
import * as protocol from "@castellan/protocol";
import { createSubjects, ErrorReply, type Subject } from "@castellan/protocol";
import { eventually } from "@castellan/testkit";
import { connect, createInbox, headers, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let node: TestNode;
let bus: NatsConnection;
let server = "";
const subjects = createSubjects("ips1");

beforeAll(async () => {
  node = await makeNode({ types: ONE, config: "node: ips1\n" });
  const up = await node.up();
  expect(up.code, said(up)).toBe(0);
  const { natsUrl } = z
    .object({ natsUrl: z.string() })
    .parse(JSON.parse(readFileSync(node.path("run/endpoints.json"), "utf8")));
  bus = await connect({ servers: natsUrl });
  server = (await node.status()).servers[0]?.name ?? "";
});
afterAll(async () => {
  try {
    if (server !== "") await bus.close();
  } finally {
    await node.dispose();
  }
});

/** Every protocol that the vocabulary exports: a new one is tried without being named here. */
const Protocol = z.object({
  actor: z.string(),
  messages: z.record(z.string(), z.object({ request: z.instanceof(z.ZodType), reply: z.unknown().optional() })),
});
const PROTOCOLS = Object.values(protocol).flatMap((value: unknown) => {
  const read = Protocol.safeParse(value);
  return read.success ? [read.data] : [];
});
const verbOf = (type: string): string =>
  type.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? "" : "-"}${letter.toLowerCase()}`);

/** A message without fields is asked for by any object. */
function isMeant(request: z.ZodType, body: Uint8Array): boolean {
  try {
    return request.safeParse(JSON.parse(Buffer.from(body).toString("utf8"))).success;
  } catch {
    return false;
  }
}

/** What of each family of subjects is tried. A family that is new does not compile until it is here. */
const TRIED: Readonly<Record<Subject["kind"], () => Subject[]>> = {
  request: () =>
    PROTOCOLS.flatMap(({ actor, messages }) =>
      [...Object.keys(messages).map(verbOf), "nonsense", "_watch"].flatMap((verb) =>
        (["master", server] as const).map((host) => ({
          kind: "request" as const,
          server: host,
          actor,
          key: "-",
          verb,
        })),
      ),
    ),
  command: () => ["start", "shutdown", "restart", "pause", "nonsense"].map((verb) => ({ kind: "command", verb })),
  heartbeat: () => [
    { kind: "heartbeat", server, part: "worker" },
    { kind: "heartbeat", server: "nobody", part: "watcher" },
  ],
  alert: () => [
    { kind: "alert", severity: "critical", server, alert: "disk" },
    { kind: "alert", severity: "info", server: "nobody", alert: "error-file" },
  ],
  process: () => [{ kind: "process", server, process: "one_1", what: "failed" }],
  node: () => [
    { kind: "node", what: "state-changed" },
    { kind: "node", what: "server-changed" },
  ],
  "work-item": () => [{ kind: "work-item", queue: "swadmin", what: "released" }],
  "live-master": () => [{ kind: "live-master" }],
  loopback: () => [{ kind: "loopback", server }],
};
const everySubject = (): string[] => Object.values(TRIED).flatMap((make) => make().map((one) => subjects.build(one)));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** None of them is a valid request of anything. */
const BODIES: readonly Uint8Array[] = [
  Uint8Array.of(0xff, 0xfe, 0x00, 0x80),
  bytes("{"),
  bytes("null x"),
  bytes('"text"'),
  bytes("[]"),
  bytes(`{"requestId":"x","by":"x","options":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`),
  bytes('{"__proto__":{"by":"x"},"constructor":{"prototype":{}}}'),
  bytes(`{"requestId":"${"x".repeat(100_000)}","by":"\\u001b[2J"}`),
  new Uint8Array(900_000).fill(0x7b),
];

const residentMb = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${node.part("worker") ?? 0}/status`, "utf8"))?.[1]) / 1024;

/** What the programs have logged of worth. */
const lastWords = (): string =>
  ["castellan-watcher.log", "castellan-worker.log"]
    .map((name) =>
      readFileSync(node.path("logs", name), "utf8")
        .split("\n")
        .filter((line) => !line.includes('"info"'))
        .slice(-15)
        .join("\n"),
    )
    .join("\n");

/** One at a time, so that what fails is known. */
async function ask(subject: string, body: Uint8Array): Promise<unknown> {
  const answer = await bus.request(subject, body, { timeout: 120_000 });
  return JSON.parse(new TextDecoder().decode(answer.data));
}

async function works(): Promise<void> {
  const before = (await node.pids()).get("ONE 1");
  const restarted = await node.cli("restart", server, "ONE");
  expect(restarted.code, said(restarted)).toBe(0);
  expect((await node.pids()).get("ONE 1")).not.toBe(before);
}

describe("a stranger on the bus", () => {
  it("is answered with a code wherever an answer is expected, and the node goes on", async () => {
    const worker = node.part("worker");
    for (const { actor, messages } of PROTOCOLS.filter((one) =>
      ["conductor", "desk", "outbox", "sentinel"].includes(one.actor),
    )) {
      const host = actor === "conductor" || actor === "desk" ? "master" : server;
      for (const [type, { request, reply }] of Object.entries(messages)) {
        if (reply === undefined) continue;
        for (const body of BODIES.filter((one) => !isMeant(request, one))) {
          const subject = subjects.build({ kind: "request", server: host, actor, key: "-", verb: verbOf(type) });
          expect(ErrorReply.safeParse(await ask(subject, body)).success, `${subject} ${body.length}`).toBe(true);
        }
      }
    }
    for (const verb of ["start", "shutdown", "nonsense"]) {
      for (const body of BODIES) {
        const answer = ErrorReply.parse(await ask(subjects.build({ kind: "command", verb }), body));
        expect(answer.error.code).toMatch(/BAD_COMMAND|UNKNOWN_VERB/);
      }
    }
    expect(node.part("worker")).toBe(worker);
  });

  it("may say anything on every subject, under odd headers and with odd inboxes", async () => {
    const worker = node.part("worker");
    const odd = headers();
    for (const [name, value] of [
      ["ce-id", ""],
      ["ce-type", "castellan.alert.raised"],
      ["castellan-number", "-1"],
      ["castellan-outbox", "x"],
    ] as const) {
      odd.set(name, value);
    }
    const inbox = createInbox();
    for (const subject of everySubject()) {
      const replies = [
        subject,
        subjects.build({ kind: "command", verb: "shutdown" }),
        "$JS.API.STREAM.PURGE.IPS1_EVENTS",
        `${inbox}.x`,
      ];
      for (const body of BODIES) {
        bus.publish(subject, body, { headers: odd });
        for (const reply of replies) bus.publish(subject, body.subarray(0, 1000), { reply });
      }
      await bus.flush();
    }
    expect(node.part("worker")).toBe(worker);
    await works();
  });

  it("cannot have the node write into the bus's own interface", async () => {
    const purges: string[] = [];
    const listening = bus.subscribe("$JS.API.STREAM.PURGE.>", {
      callback: (_, message) => {
        // The server itself answers there too: that a message was stored, that nobody listens.
        const answer = new TextDecoder().decode(message.data);
        if (answer.includes('"code":"')) purges.push(answer);
      },
    });
    await bus.flush();
    for (const subject of everySubject())
      bus.publish(subject, bytes("{"), { reply: "$JS.API.STREAM.PURGE.IPS1_EVENTS" });
    await bus.flush();
    await works();
    expect(purges).toEqual([]);
    listening.unsubscribe();
  });

  it("may say a hundred thousand things at once, and memory stays bounded", async () => {
    const worker = node.part("worker");
    const targets = everySubject().filter((subject) => !subject.includes(".evt."));
    for (let count = 0; count < 100_000; count += 1) {
      bus.publish(targets[count % targets.length] ?? "", BODIES[count % 5] ?? new Uint8Array(0), {
        reply: `_INBOX.nobody.${count}`,
      });
      if (count % 5000 === 0) await bus.flush();
    }
    await bus.flush();
    await works();
    expect(node.part("worker"), lastWords()).toBe(worker);
    await eventually(() => residentMb() < 400, { withinMs: 90_000, describe: "the worker's memory is bounded" });
  });

  it("has not kept an alert from becoming a work item", async () => {
    const { appendFileSync } = await import("node:fs");
    appendFileSync(node.path("logs/sw_error"), "after the storm \u001b[2J\u202egnp\n");
    await eventually(
      async () => {
        const items = await node.items();
        if (!items.some(({ summary }) => summary.includes("after the storm"))) throw new Error(JSON.stringify(items));
      },
      { withinMs: 90_000, everyMs: 200, describe: "a work item" },
    );
    const list = await node.cli("workitem", "list");
    // oxlint-disable-next-line no-control-regex -- what a terminal obeys
    expect(list.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});
