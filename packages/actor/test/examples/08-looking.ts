import {
  type ActorSystem,
  type Asking,
  type Behavior,
  type Interceptor,
  intercept,
  newTrace,
  receive,
  topics,
} from "@castellan/actor";
import { systemRng } from "@castellan/kernel";

type Calculator = Asking<{ type: "Add"; a: number; b: number }, number>;

/** Around every handler: here a count and a time for each type of message, and the trace it belongs to. */
export const measure = (record: (line: string) => void): Interceptor => ({
  receive(message, proceed, { path, clock, trace }) {
    const fromMs = clock.bootMs();
    const done = (): void =>
      record(`${path} ${message.type} ${clock.bootMs() - fromMs} ms ${trace?.traceparent.slice(3, 35) ?? "no trace"}`);
    const next = proceed();
    if (next instanceof Promise) return next.finally(done);
    done();
    return next;
  },
});

const calculator = (): Behavior<Calculator> => receive({ Add: ({ a, b }, replyTo) => replyTo.success(a + b) });

export async function lookAt(system: ActorSystem, record: (line: string) => void): Promise<number> {
  // What happens inside, as it happens. An actor uses `context.subscribe`, and gets messages.
  system.events.subscribe(topics.actorRestarted, ({ path, restarts }) => record(`${path} restarted, the ${restarts}.`));
  system.events.subscribe(topics.deadLetter, ({ path, type, reason }) => record(`${path} ${type}: ${reason}`));

  const adder = system.spawn(intercept(calculator(), measure(record)), "adder", {
    kind: "calculator",
    mailbox: { capacity: 100, overflow: "drop-old" },
  });

  // Everything that is sent because of this ask belongs to the trace: on other machines, and after an `await`, too.
  const sum = await system.traces.run(newTrace(systemRng), () =>
    adder.ask({ type: "Add", a: 1, b: 2 }, { timeoutMs: 1000 }),
  );

  const [root] = system.inspect().actors;
  record(
    `${root?.path} is a ${root?.kind}, ${root?.state}, ${root?.processed} handled, ${root?.highWater} at most waited`,
  );
  return sum;
}
