import { type Asking, type Behavior, createActorSystem, receive, setup } from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";

// What it can be sent: one message that is told, one that is asked and answered with a string.
type Greeter = { type: "Remember"; name: string } | Asking<{ type: "Greet" }, string>;

// What it does. State is an ordinary variable: one message is handled at a time, so nobody else can touch it.
const createGreeter = (): Behavior<Greeter> =>
  setup(() => {
    let names: string[] = [];
    return receive<Greeter>({
      Remember: ({ name }) => {
        names = [...names, name];
      },
      Greet: (_message, replyTo) => replyTo.success(`Hello, ${names.join(" and ")}!`),
    });
  });

// Time, randomness, ids and the log come in as parameters, so that tests can bring their own.
const clock = createSystemClock();
const system = createActorSystem({
  host: "laptop",
  clock,
  rng: systemRng,
  logger: silentLogger,
  newId: createIdSource(clock, systemRng),
});

const greeter = system.spawn(createGreeter(), "greeter");
greeter.tell({ type: "Remember", name: "Ada" });
greeter.tell({ type: "Remember", name: "Grace" });
export const greeting = await greeter.ask({ type: "Greet" }, { timeoutMs: 1000 });
// "Hello, Ada and Grace!"

await system.stop(1000);
