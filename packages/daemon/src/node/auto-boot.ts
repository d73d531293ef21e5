/** PM_AUTO_BOOT: when a pair has just been started, its node's processes are started too, as by an administrator. */
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

async function boot({ system, gateway, identity, clock, log, signal }: AutoBootDeps): Promise<void> {
  const attributes = await gateway.find("process_attributes");
  const place = { machineId: identity.serverId, process: "PROCMGR", instance: 0 };
  if (numberAttribute(attributes, place, "PM_AUTO_BOOT") === 0) {
    log.info("PM_AUTO_BOOT is 0: waiting for castellan start");
    return;
  }
  const command = {
    requestId: `boot-${identity.serverId}-${identity.incarnation}`,
    target: {},
    by: "PM_AUTO_BOOT",
    options: {},
  };
  const conductor = system.remote(Conductor, { host: "master" });
  const deadline = clock.bootMs() + WITHIN_MS;
  while (!signal.aborted) {
    try {
      const { operationId } = await conductor.ask({ type: "Submit", verb: "start", command }, { timeoutMs: ASK_MS });
      log.info("starting the node's processes", { operationId });
      return;
    } catch (thrown) {
      // No master yet, or it is just being replaced; the same request id is the same operation.
      const again = thrown instanceof CastellanError && thrown.retryable;
      if (!again || clock.bootMs() > deadline) throw thrown;
      await sleep(clock, PAUSE_MS, signal);
    }
  }
}
