/** Starting the pair of a home, and looking whether it lives: for programs that are not of the pair. */
import { createProcReader } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { type ExchangeState, lookAtExchange } from "./exchange-mark.ts";
import { launchPart, livingPart, type ProgramEntry } from "./part.ts";
import { forgetRefusal, readRefusal } from "./refusal.ts";

export interface PairState {
  /** Process ids; null = does not live. */
  readonly worker: number | null;
  readonly watcher: number | null;
  /** Why it may not run; null = nobody has said so. */
  readonly refused: string | null;
  /** Whether another pair takes its place. */
  readonly exchange: ExchangeState;
}

export function pairState(paths: HomePaths): PairState {
  const proc = createProcReader();
  const exchange = lookAtExchange(paths, proc); // before the parts: whoever takes their place is there before its mark goes
  return {
    worker: livingPart(paths, "worker", proc)?.pid ?? null,
    watcher: livingPart(paths, "watcher", proc)?.pid ?? null,
    refused: readRefusal(paths),
    exchange,
  };
}

/** Launches the watcher unless a part lives; the parts bring each other up. Whether server processes start is another's to say. */
export function bringUpPair(
  paths: HomePaths,
  program: ProgramEntry,
  environment: NodeJS.ProcessEnv,
  boot = false,
): "joined" | "launched" {
  const { worker, watcher } = pairState(paths);
  if (worker !== null || watcher !== null) return "joined";
  forgetRefusal(paths);
  launchPart(paths, "watcher", {
    program,
    extraArguments: boot ? [] : ["--rejoin"],
    environment,
    proc: createProcReader(),
  });
  return "launched";
}
