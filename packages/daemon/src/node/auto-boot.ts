/**
 * PM_AUTO_BOOT: when a pair has been started, what is enabled on its server is started too, once.
 *
 * A1 Once in a boot of the host, until the sentinel is ended in order: `run/booted` remembers it. A pair that was killed and
 *    comes back joins what runs, and starts nothing that somebody has stopped.
 * A2 In a node of one server it is an ordinary START of the node. Among several, every server asks for its own part, and the
 *    master starts each when what it needs on the others is ready.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ActorSystem } from "@castellan/actor";
import { CastellanError, type Clock, ensureError, type Logger, sleep } from "@castellan/kernel";
import { Conductor } from "@castellan/protocol";
import type { SentinelIdentity } from "@castellan/sentinel";
import { type Gateway, numberAttribute } from "@castellan/store";

export interface AutoBootDeps {
  readonly system: ActorSystem;
  readonly gateway: Gateway;
  readonly identity: SentinelIdentity;
  readonly clock: Clock;
  readonly log: Logger;
  /** The file that remembers. */
  readonly booted: string;
  /** Of this boot of the host. */
  readonly bootId: string;
  /** Aborts when the worker ends. */
  readonly signal: AbortSignal;
}

const WITHIN_MS = 120_000;
const ASK_MS = 5000;
const PAUSE_MS = 100;

/** Begins in the background; what goes wrong is logged, for the node can still be started by hand. */
export function autoBoot(deps: AutoBootDeps): void {
  boot(deps).catch((thrown: unknown) => {
    deps.log.error("the processes were not started by themselves: use castellan start", { error: ensureError(thrown) });
  });
}

/** The sentinel is ended in order: its next start is one that starts the processes. */
export function forgetBoot(booted: string): void {
  rmSync(booted, { force: true });
}

async function boot(deps: AutoBootDeps): Promise<void> {
  const { gateway, identity, clock, log, signal, booted, bootId } = deps;
  if (readIfThere(booted) === bootId) {
    log.info("joining what runs: nothing is started");
    return;
  }
  const attributes = await gateway.find("process_attributes");
  const place = { machineId: identity.serverId, process: "PROCMGR", instance: 0 };
  if (numberAttribute(attributes, place, "PM_AUTO_BOOT") === 0) {
    log.info("PM_AUTO_BOOT is 0: waiting for castellan start");
    return;
  }
  const isAlone = (await gateway.find("node_cluster", { limit: 2 })).length < 2;
  const deadline = clock.bootMs() + WITHIN_MS;
  while (!signal.aborted) {
    try {
      const { operationId } = await (isAlone ? startNode(deps) : startServer(deps));
      writeFileSync(booted, bootId);
      log.info("starting what is enabled", { operationId });
      return;
    } catch (thrown) {
      // No master yet, or it is just being replaced, or has not seen this server; the same request id is the same operation.
      const again = thrown instanceof CastellanError && thrown.retryable;
      if (!again || clock.bootMs() > deadline) throw thrown;
      await sleep(clock, PAUSE_MS, signal);
    }
  }
}

function startNode({ system, identity }: AutoBootDeps): Promise<{ operationId: string }> {
  const requestId = `boot-${identity.serverId}-${identity.incarnation}`;
  const command = { requestId, target: {}, by: "PM_AUTO_BOOT", options: {} };
  const conductor = system.remote(Conductor, { host: "master" });
  return conductor.ask({ type: "Submit", verb: "start", command }, { timeoutMs: ASK_MS });
}

function startServer({ system, identity }: AutoBootDeps): Promise<{ operationId: string }> {
  const { server, incarnation } = identity;
  const conductor = system.remote(Conductor, { host: "master" });
  return conductor.ask({ type: "Boot", server, incarnation }, { timeoutMs: ASK_MS });
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
