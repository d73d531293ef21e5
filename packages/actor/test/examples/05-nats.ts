import { createActorSystem } from "@castellan/actor";
import { connectLink, createNatsTransport } from "@castellan/actor/nats";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";

/** A system on a NATS server. Returns it, and how to end all of it. */
export async function startHost(host: string, servers: string) {
  const clock = createSystemClock();
  const logger = silentLogger;
  // Reconnects for ever; pings each second; starts itself over when it looks alive and is not.
  const link = await connectLink({ servers, name: host, clock, logger });
  const transport = createNatsTransport({
    self: host,
    connection: link.connection,
    // How addresses become subjects is yours: the verb in the subject lets NATS permissions tell verbs apart.
    subjects: {
      of: ({ host, actor, key }, verb) => `shop.${host}.${actor}.${key}.${verb}`,
      pattern: ({ host, actor, key }) => `shop.${host}.${actor}.${key}.*`,
      verbOf: (subject) => subject.slice(subject.lastIndexOf(".") + 1),
    },
    clock,
    logger,
  });
  const newId = createIdSource(clock, systemRng);
  const system = createActorSystem({ host, transport, clock, rng: systemRng, logger, newId });
  const stop = async (): Promise<void> => {
    await system.stop(5000); // actors first, youngest first; then what carried their messages
    await transport.close(1000);
    await link.close();
  };
  return { system, stop };
}
