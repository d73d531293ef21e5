/** A connection as the event self-test needs it. */
import type { LoopbackBus } from "@castellan/sentinel";
import type { NatsConnection } from "nats";

export function loopbackBus(connection: NatsConnection): LoopbackBus {
  return {
    publish: (subject, body) => connection.publish(subject, body),
    subscribe(subject, heard, failed) {
      const subscription = connection.subscribe(subject, {
        callback: (error, message) => (error === null ? heard(message.data) : failed(error)),
      });
      return { close: () => subscription.unsubscribe() };
    },
  };
}
