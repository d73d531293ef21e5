/** A home directory, a round to run by hand on it, and what it reported. */
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { type Clock, silentLogger } from "@castellan/kernel";
import { Alert, type AlertPhase } from "@castellan/protocol";
import { tempHome } from "@castellan/testkit";
import { createErrorFileRound, type ErrorFileRoundDeps } from "../../src/error-file/error-file-round.ts";
import { DEFAULT_PATTERNS } from "../../src/error-file/names.ts";

export interface Told {
  readonly phase: AlertPhase;
  readonly alert: Alert;
}

/** Time that passes only when it is told to. */
export function stepClock(): Clock & { advance(ms: number): void } {
  let nowMs = 1_000;
  return {
    now: () => new Date(1_700_000_000_000 + nowMs),
    bootMs: () => nowMs,
    after: () => ({ cancel: () => undefined }),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

export async function createHarness(options: Partial<ErrorFileRoundDeps> = {}) {
  const home = await tempHome();
  await mkdir(home.path("logs"));
  const clock = stepClock();
  const told: Told[] = [];
  let failing: Error | null = null;
  const alerts = {
    report: async (phase: AlertPhase, alert: Alert) => {
      if (failing) throw failing;
      told.push({ phase, alert: Alert.parse(JSON.parse(JSON.stringify(alert))) });
    },
  };
  const start = () =>
    createErrorFileRound(
      {
        identity: { server: "hades", home: home.dir },
        alerts,
        enabled: () => true,
        patterns: () => DEFAULT_PATTERNS,
        ...options,
      },
      clock,
      silentLogger,
    );
  let round = start();
  return {
    home,
    clock,
    told,
    path: (name: string) => home.path("logs", name),
    append: (name: string, text: string | Uint8Array) => appendFile(home.path("logs", name), text),
    write: (name: string, text: string) => writeFile(home.path("logs", name), text),
    /** Runs a round and gives the alerts it brought. */
    look: async (): Promise<Told[]> => {
      const before = told.length;
      await round();
      return told.slice(before);
    },
    /** The next look is by a new watch that knows what is on disk only. */
    restart: () => {
      round = start();
    },
    /** The outbox refuses until it is called with null. */
    fail: (error: Error | null) => {
      failing = error;
    },
  };
}
export type Harness = Awaited<ReturnType<typeof createHarness>>;

/** `raised error-file error 1: summary` */
export function brief({ phase, alert }: Told): string {
  return `${phase} ${alert.kind} ${alert.severity} ${String(alert.details["count"])}: ${alert.summary}`;
}
