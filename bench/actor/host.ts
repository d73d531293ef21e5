/** One end of the remote benches: a system on NATS with subjects of its own. */
import { createActorSystem } from "@castellan/actor";
import { type AddressSubjects, connectLink, createNatsTransport } from "@castellan/actor/nats";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { z } from "zod";

export const Echo = {
  actor: "echo",
  messages: { Say: { request: z.object({ text: z.string() }), reply: z.object({ text: z.string() }) } },
} as const;

const subjects: AddressSubjects = {
  of: ({ host, actor, key }, verb) => `bench.${host}.${actor}.${key}.${verb}`,
  pattern: ({ host, actor, key }) => `bench.${host}.${actor}.${key}.*`,
  verbOf: (subject) => subject.slice(subject.lastIndexOf(".") + 1),
};

export async function connectHost(host: string, url: string) {
  const clock = createSystemClock();
  const logger = silentLogger;
  const link = await connectLink({ servers: url, name: host, clock, logger });
  const transport = createNatsTransport({ self: host, connection: link.connection, subjects, clock, logger });
  const newId = createIdSource(clock, systemRng);
  const system = createActorSystem({ host, transport, clock, rng: systemRng, logger, newId });
  const close = async (): Promise<void> => {
    await system.stop(1000);
    await transport.close(1000);
    await link.close();
  };
  return { link, system, close };
}
