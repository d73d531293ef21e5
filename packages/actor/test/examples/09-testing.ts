import { type ActorRef, type Behavior, receive, setup } from "@castellan/actor";
import { createBehaviorKit, createProbe } from "@castellan/actor/testing";

type Alarm = { type: "Ring" };
type Egg = { type: "Boil"; minutes: number } | { type: "Done" };

const createEggTimer = (alarm: ActorRef<Alarm>): Behavior<Egg> =>
  setup<Egg>(({ timers }) =>
    receive<Egg>({
      Boil: ({ minutes }) => timers.once("egg", minutes * 60_000, { type: "Done" }),
      Done: () => alarm.tell({ type: "Ring" }),
    }),
  );

// A probe stands in for another actor; the kit runs one behaviour by hand and records what it does.
const alarm = createProbe<Alarm>();
const kit = createBehaviorKit(createEggTimer(alarm));

await kit.tell({ type: "Boil", minutes: 4 });
export const effects = kit.takeEffects();
// [{ kind: "timer", key: "egg", delayMs: 240000, repeats: false, message: { type: "Done" } }]

await kit.fire("egg");
export const rang = await alarm.expect("Ring");
// { type: "Ring" }
