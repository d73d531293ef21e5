/**
 * Typed topics inside one system. A topic is a value that knows the type of its events; who holds it may publish and
 * subscribe. Events are facts for whoever cares: nobody is asked, nothing is kept, and without a subscriber it costs a look-up.
 */
import { ensureError, type Logger } from "@castellan/kernel";

type Listener<E> = (event: E) => void;

/** Key of the subscribers of one stream to one topic; not for direct use. */
const LISTENERS: unique symbol = Symbol("listeners");

export interface Topic<E> {
  readonly name: string;
  readonly [LISTENERS]: WeakMap<object, Set<Listener<E>>>;
}

export function createTopic<E>(name: string): Topic<E> {
  return { name, [LISTENERS]: new WeakMap() };
}

export interface EventStream {
  /** Calls every subscriber at once, in the order of their subscription. What one throws is logged and stops no other. */
  publish<E>(topic: Topic<E>, event: E): void;
  /** Returns how to end it. Inside an actor use `context.subscribe`. */
  subscribe<E>(topic: Topic<E>, listener: (event: E) => void): () => void;
}

export function createEventStream(logger: Logger): EventStream {
  const stream: EventStream = {
    publish(topic, event) {
      const listeners = topic[LISTENERS].get(stream);
      if (listeners === undefined) return;
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (thrown) {
          logger.error("a subscriber threw", { topic: topic.name, error: ensureError(thrown) });
        }
      }
    },
    subscribe(topic, listener) {
      const listeners = topic[LISTENERS].get(stream) ?? new Set();
      topic[LISTENERS].set(stream, listeners);
      const own = (event: Parameters<typeof listener>[0]): void => listener(event); // the same function may subscribe twice
      listeners.add(own);
      return () => {
        listeners.delete(own);
        if (listeners.size === 0 && topic[LISTENERS].get(stream) === listeners) topic[LISTENERS].delete(stream);
      };
    },
  };
  return stream;
}
