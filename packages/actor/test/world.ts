/** A system on a manual clock, with what it logged and what broke it. */
import { createIdSource, createSeededRng, type LogFields, type Logger } from "@castellan/kernel";
import { type ActorSystem, type ActorSystemOptions, createActorSystem } from "../src/index.ts";
import { createManualClock, type ManualClock } from "../src/testing/index.ts";

export interface World {
  readonly clock: ManualClock;
  readonly system: ActorSystem;
  readonly logged: { level: string; message: string; fields: LogFields }[];
  readonly defects: { error: Error; path: string }[];
}

export function createWorld(options: Partial<ActorSystemOptions> & { clock?: ManualClock } = {}): World {
  const clock = options.clock ?? createManualClock();
  const rng = createSeededRng(7);
  const logged: World["logged"] = [];
  const defects: World["defects"] = [];
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      logged.push({ level, message, fields });
    };
  const logger: Logger = {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    child: () => logger,
  };
  const system = createActorSystem({
    host: "hades",
    rng,
    logger,
    newId: createIdSource(clock, rng),
    onDefect: (error, path) => defects.push({ error, path }),
    ...options,
    clock,
  });
  return { clock, system, logged, defects };
}
