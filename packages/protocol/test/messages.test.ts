/** Every schema round-trips: what a schema accepts is still accepted, and the same, after a journey as JSON. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ActorsReport,
  Alert,
  CommandReply,
  CommandRequest,
  Conductor,
  Desk,
  decodeBody,
  Endpoints,
  encodeBody,
  Keeper,
  NodeEvent,
  NumberedAlert,
  OperationReport,
  Outbox,
  ProcessEvent,
  ProcessReport,
  Sentinel,
  StatusReport,
  WorkItemReport,
} from "../src/index.ts";

const text = fc.string({ minLength: 1, maxLength: 40 });
const time = fc
  .date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());
const positive = fc.integer({ min: 1, max: 99_999 });
const severity = fc.constantFrom("info", "warning", "error", "critical");
const kind = fc.constantFrom("error-file", "warn-file", "disk", "inode", "process", "server", "sentinel");
const status = fc.constantFrom("STARTING", "RUNNING", "PAUSED", "SUSPENDED", "SHUTTING DOWN", "STOPPED");
const nodeState = fc.constantFrom("STARTING", "RUNNING", "DEGRADED", "SHUTTING DOWN", "STOPPED");
const phase = fc.constantFrom("raised", "repeated", "resolved");
const desired = fc.constantFrom("RUNNING", "STOPPED", "RESTARTED", "PAUSED", "UNPAUSED", "HELD");
const verb = fc.constantFrom("start", "start_new", "shutdown", "restart", "pause", "unpause");
const json = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
);
const alert = fc.record({
  kind,
  server: text,
  subject: text,
  severity,
  summary: text,
  occurredAt: time,
  cause: text,
  details: json,
});
const actorsReport = fc.record({
  server: text,
  actors: fc.array(
    fc.record({
      path: text,
      kind: text,
      state: fc.constantFrom("starting", "running", "busy", "restarting", "stopping", "stopped"),
      stateMs: fc.nat(),
      restarts: fc.nat(),
      mailbox: fc.nat(),
      highWater: fc.nat(),
      dropped: fc.nat(),
      processed: fc.nat(),
    }),
    { maxLength: 5 },
  ),
  omitted: fc.nat(),
  deadLetters: fc.record({
    total: fc.nat(),
    byReason: fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), fc.nat()),
    recent: fc.array(fc.record({ path: text, type: text, reason: text, at: time }), { maxLength: 3 }),
  }),
});
const target = fc.record(
  { server: text, type: fc.stringMatching(/^[A-Z][A-Z0-9_]{0,9}$/), instance: positive },
  { requiredKeys: [] },
);
const command = fc.record({ requestId: text, target, by: text, options: json });
const error = fc.record({ error: fc.record({ code: text, message: text, retryable: fc.boolean(), details: json }) });
const step = fc.record({
  server: text,
  type: text,
  instance: positive,
  desired,
  state: fc.constantFrom("pending", "ready", "claimed", "done", "failed", "skipped", "unknown"),
  result: fc.option(text),
});
const process = fc.record({
  type: text,
  instance: positive,
  status,
  enabled: fc.boolean(),
  persistent: fc.boolean(),
  pid: fc.option(positive),
  since: fc.option(time),
  restarts: fc.nat(),
  comment: fc.option(text),
});
const server = fc.record({
  id: positive,
  name: text,
  role: fc.constantFrom("master", "slave"),
  state: fc.constantFrom("up", "suspect", "down", "isolated"),
  lastSeen: fc.option(time),
  stale: fc.boolean(),
  sentinel: fc.option(
    fc.record({
      incarnation: fc.nat(),
      program: fc.option(fc.string()),
      since: time,
      workerPid: fc.option(positive),
      watcherPid: fc.option(positive),
    }),
  ),
  processes: fc.array(process, { maxLength: 3 }),
});

const workItem = fc.record({
  caseNumber: positive,
  queue: text,
  state: fc.constantFrom("new", "open", "kept", "released", "resolved"),
  priority: fc.nat(),
  severity,
  kind,
  server: text,
  subject: text,
  summary: text,
  occurrences: fc.nat(),
  firstSeen: time,
  lastSeen: time,
  lockedBy: fc.option(text),
  assignedTo: fc.option(text),
  deadline: fc.option(time),
  late: fc.boolean(),
  acknowledgedBy: fc.option(text),
  escalated: fc.boolean(),
  silencedUntil: fc.option(time),
});
const who = { by: fc.constantFrom("ann", "Zoë O'Neill"), station: text, requestId: text };
const onItem = { ...who, caseNumber: positive, note: text };

const cases: Record<string, { schema: { parse(value: unknown): unknown }; value: fc.Arbitrary<unknown> }> = {
  Alert: { schema: Alert, value: alert },
  NumberedAlert: {
    schema: NumberedAlert,
    value: fc.record({ id: text, number: positive, outbox: text, phase, alert }),
  },
  CommandRequest: { schema: CommandRequest, value: command },
  CommandReply: { schema: CommandReply, value: fc.oneof(fc.record({ operationId: text }), error) },
  OperationReport: {
    schema: OperationReport,
    value: fc.record({
      id: text,
      verb,
      target,
      by: text,
      state: fc.constantFrom("open", "done", "failed", "refused"),
      result: fc.option(text),
      createdAt: time,
      finishedAt: fc.option(time),
      steps: fc.array(step, { maxLength: 3 }),
    }),
  },
  ProcessReport: { schema: ProcessReport, value: process },
  StatusReport: {
    schema: StatusReport,
    value: fc.record({
      node: text,
      state: nodeState,
      epoch: fc.nat(),
      master: fc.option(text),
      stale: fc.boolean(),
      servers: fc.array(server, { maxLength: 3 }),
    }),
  },
  WorkItemReport: { schema: WorkItemReport, value: workItem },
  Endpoints: {
    schema: Endpoints,
    value: fc.record({ node: text, server: text, natsUrl: text, databaseUrl: text, consoleUrl: fc.option(text) }),
  },
  ProcessEvent: {
    schema: ProcessEvent,
    value: fc.record({
      server: text,
      type: text,
      instance: positive,
      what: fc.constantFrom("starting", "running", "failed", "adopted"),
      pid: fc.option(positive),
      comment: text,
    }),
  },
  NodeEvent: { schema: NodeEvent, value: fc.record({ state: nodeState, previous: nodeState, epoch: fc.nat() }) },
  "Conductor.Submit": { schema: Conductor.messages.Submit.request, value: fc.record({ verb, command }) },
  "Conductor.StepFinished": {
    schema: Conductor.messages.StepFinished.request,
    value: fc.record({ operationId: text }),
  },
  "Outbox.Report": { schema: Outbox.messages.Report.request, value: fc.record({ phase, alert }) },
  "Outbox.Confirm": { schema: Outbox.messages.Confirm.request, value: fc.record({ outbox: text, number: fc.nat() }) },
  "Outbox.Resend": { schema: Outbox.messages.Resend.request, value: fc.record({ outbox: text, after: fc.nat() }) },
  "Desk.Release": {
    schema: Desk.messages.Release.request,
    value: fc.record(onItem, { requiredKeys: ["caseNumber", "by", "station", "requestId"] }),
  },
  "Desk.Forward": {
    schema: Desk.messages.Forward.request,
    value: fc.record({ ...onItem, to: fc.oneof(fc.record({ queue: text }), fc.record({ user: who.by })) }),
  },
  "Desk.Assign": { schema: Desk.messages.Assign.request, value: fc.record({ ...onItem, to: fc.option(who.by) }) },
  "Desk.Silence": {
    schema: Desk.messages.Silence.request,
    value: fc.record({ ...onItem, forMs: fc.option(fc.integer({ min: 1000, max: 10 ** 10 })) }),
  },
  "Desk.RetryDeadLetter": { schema: Desk.messages.RetryDeadLetter.request, value: fc.record({ ...who, id: text }) },
  "Desk reply": {
    schema: Desk.messages.Open.reply,
    value: fc.record({ caseNumber: positive, state: text, changed: fc.boolean(), item: workItem }),
  },
  "Keeper.Bring": { schema: Keeper.messages.Bring.request, value: fc.record({ desired, launchId: text, by: text }) },
  "Keeper.Bring reply": { schema: Keeper.messages.Bring.reply, value: fc.record({ status, comment: text }) },
  ActorsReport: { schema: ActorsReport, value: actorsReport },
  "Sentinel.Stop": { schema: Sentinel.messages.Stop.request, value: fc.record({ by: text }) },
  "Sentinel.Exchange": { schema: Sentinel.messages.Exchange.request, value: fc.record({ by: text, release: text }) },
  "Sentinel.AwaitMaster": {
    schema: Sentinel.messages.AwaitMaster.request,
    value: fc.record({ epoch: positive, forMs: fc.nat(60_000) }),
  },
};

describe("messages", () => {
  it.each(Object.entries(cases))("%s round-trips", (_name, { schema, value }) => {
    fc.assert(
      fc.property(value, (made) => {
        const parsed = schema.parse(made);
        expect(parsed).toEqual(made);
        expect(schema.parse(decodeBody(encodeBody(parsed)))).toEqual(parsed);
      }),
      { numRuns: 60 },
    );
  });

  it("a target with a misspelled key is refused, for it would mean more than was meant", () => {
    const request = { requestId: "1", by: "ann", target: { typ: "WEB" } };
    expect(() => CommandRequest.parse(request)).toThrow(/typ/);
  });

  it.each(Object.entries(cases))("%s refuses what is none, without crashing", (_name, { schema }) => {
    for (const bad of [null, 7, "x", [], { error: 1 }, { type: 7, server: {} }]) {
      if (JSON.stringify(bad) === "[]" || bad === null || typeof bad !== "object") {
        expect(() => schema.parse(bad)).toThrow();
      }
    }
  });
});
