/**
 * What this server's watches are told by the shared schema: read again every few seconds and whenever an administrator
 * says so. While the schema is away the last answer holds; at a start without it, that of the last worker.
 */
import type { Clock, Logger, Timer } from "@castellan/kernel";
import { ensureError } from "@castellan/kernel";
import { type Gateway, type NodeView, numberAttribute, readNodeView } from "@castellan/store";
import type { LedgerFile } from "../schema/ledger.ts";

export interface ServerSettings {
  /** CHECKFREQ x PROCESS_SLEEP, and MINFREEKB in bytes. */
  disk(): { readonly periodMs: number; readonly minFreeBytes: number };
  /** `node_cluster.check_error_files` of this server. */
  checksErrorFiles(): boolean;
  /** How long a step of this type may take, milliseconds. */
  deadlineOf(type: string): number;
  refresh(): void;
  close(): void;
}

const REFRESH_MS = 5000;
/** Beyond readiness and grace: queues, disks, a slow machine. */
const STEP_MARGIN_MS = 15_000;
const UNKNOWN_STEP_MS = 60_000;
/** As in the original: what `fspart` lines without a minimum need, kilobytes. */
const DEFAULT_MIN_FREE_KB = 10_000;

export function watchServerSettings(deps: {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledger: Pick<LedgerFile, "settings" | "learn">;
}): ServerSettings {
  const { gateway, serverId, clock, log, ledger } = deps;
  let known = ledger.settings;
  let view: NodeView | null = null;
  let timer: Timer | null = null;
  let closed = false;
  let reading = false;
  /** Somebody has said that something has changed, which the read under way may not see. */
  let isStale = false;

  const read = async (): Promise<void> => {
    timer?.cancel();
    isStale = reading;
    if (reading || closed) return;
    reading = true;
    try {
      view = await readNodeView(gateway);
      const { attributes, servers } = view;
      known = { attributes, checkErrorFiles: servers.find(({ id }) => id === serverId)?.checkErrorFiles ?? true };
      ledger.learn(known);
      for (const problem of view.problems) log.warn("a process type in the schema cannot be used", { problem });
    } catch (thrown) {
      log.warn("the settings cannot be read now; the last ones hold", { error: ensureError(thrown) });
    }
    reading = false;
    if (isStale) await read();
    else if (!closed) timer = clock.after(REFRESH_MS, () => void read());
  };
  void read();

  const numberOf = (process: string, name: "CHECKFREQ" | "PROCESS_SLEEP" | "MINFREEKB", least: number): number =>
    known === null
      ? Number.NaN
      : Math.max(least, numberAttribute(known.attributes, { machineId: serverId, process, instance: 0 }, name));
  return {
    disk() {
      const periodMs = numberOf("ALL", "CHECKFREQ", 1) * numberOf("PROCMGR", "PROCESS_SLEEP", 1) * 1000;
      const minFreeKb = numberOf("PROCMGR", "MINFREEKB", 0);
      return {
        periodMs: Number.isNaN(periodMs) ? REFRESH_MS : periodMs,
        minFreeBytes: (Number.isNaN(minFreeKb) ? DEFAULT_MIN_FREE_KB : minFreeKb) * 1024,
      };
    },
    checksErrorFiles: () => known?.checkErrorFiles ?? true,
    deadlineOf(type) {
      const definition = view?.types.get(type);
      if (definition === undefined) return UNKNOWN_STEP_MS;
      const ready = "timeout" in definition.ready ? definition.ready.timeout : 0;
      return ready + definition.stop.grace + STEP_MARGIN_MS;
    },
    refresh: () => void read(),
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
