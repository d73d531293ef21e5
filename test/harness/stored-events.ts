/** Everything that a node's events stream holds, asked for message by message: no consumer, nothing that could skip one. */
import type { CloudEvent, NatsSettings } from "@castellan/protocol";
import { createSubjects, fromMessage } from "@castellan/protocol";
import { eventually } from "@castellan/testkit";
import { z } from "zod";
import { connectBus } from "./bus-client.ts";

export interface StoredEvent extends CloudEvent {
  readonly subjectName: string;
}

const Info = z.object({ state: z.object({ first_seq: z.int(), last_seq: z.int() }) });
const NO_MESSAGE = 10_037;
/** A message, or that there is none at that place. Every other error is one of the moment. */
const Stored = z.union([
  z.object({ message: z.object({ subject: z.string(), hdrs: z.string(), data: z.string().default("") }) }),
  z.object({ error: z.object({ err_code: z.literal(NO_MESSAGE) }), message: z.undefined() }),
]);
const AT_ONCE = 200;

export async function storedEvents(bus: NatsSettings, node = "castellan"): Promise<StoredEvent[]> {
  const stream = createSubjects(node).eventsStream;
  const connection = await connectBus(bus);
  // A cluster of NATS servers that has just lost one answers with an error for a while.
  const ask = async <T>(what: string, body: unknown, schema: z.ZodType<T>): Promise<T> => {
    const { data } = await eventually(
      async () => {
        const subject = `$JS.API.STREAM.${what}.${stream}`;
        const reply = await connection.request(subject, JSON.stringify(body), { timeout: 5000 });
        const checked = schema.safeParse(reply.json());
        if (checked.success) return checked;
        throw new Error(`${subject}: ${reply.string()}`);
      },
      { withinMs: 60_000, everyMs: 200, describe: "the events stream answers" },
    );
    return data;
  };
  try {
    const { state } = await ask("INFO", {}, Info);
    const events: StoredEvent[] = [];
    // An empty stream may begin at 0, where there is nothing to ask for.
    for (let from = Math.max(1, state.first_seq); from <= state.last_seq; from += AT_ONCE) {
      const seqs = Array.from({ length: Math.min(AT_ONCE, state.last_seq - from + 1) }, (_, at) => from + at);
      const replies = await Promise.all(seqs.map((seq) => ask("MSG.GET", { seq }, Stored)));
      for (const { message } of replies) if (message !== undefined) events.push(eventOf(message));
    }
    return events;
  } finally {
    await connection.close();
  }
}

function eventOf({ subject, hdrs, data }: { subject: string; hdrs: string; data: string }): StoredEvent {
  const lines = Buffer.from(hdrs, "base64").toString("utf8").split("\r\n");
  const headers = new Map(
    lines
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const event = fromMessage((name) => headers.get(name), Buffer.from(data, "base64"));
  return { ...event, subjectName: subject };
}
