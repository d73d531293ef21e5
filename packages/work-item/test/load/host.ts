/** One end of the inbox load: an actor system on NATS, with subjects of its own. */
import { createActorSystem } from "@castellan/actor";
import { type AddressSubjects, connectLink, createNatsTransport } from "@castellan/actor/nats";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";

const subjects: AddressSubjects = {
  of: ({ host, actor, key }, verb) => `load.${host}.${actor}.${key}.${verb}`,
  pattern: ({ host, actor, key }) => `load.${host}.${actor}.${key}.*`,
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
  return { link, system, newId, clock, close };
}
