/** What a keeper works with: what all keepers of a server share, and what is its own. */
import type { ProcessKey, ProcessStatus } from "@castellan/protocol";
import type { Permit } from "../grant/grant-keeper.ts";
import type { GuardPort } from "../grant/guard-port.ts";
import type { OutputTrim } from "../output/output-trim.ts";
import type { AlertSink, EventSink, MessageLog, SentinelIdentity } from "../ports.ts";
import type { DeathWatch } from "./death-watch.ts";
import type { ProcessGroups } from "./group.ts";
import type { ProcReader } from "./identity.ts";
import type { Launcher } from "./launch.ts";
import type { LaunchDefinition, RecordStore } from "./record.ts";
import type { RestartPolicy } from "./restart-window.ts";
import type { StatusWriter } from "./status-writer.ts";

/** What is needed to run what must not run twice in the node. */
export interface Grants {
  /** Rejects NOT_GRANTED: it must not be started now. */
  permit(): Promise<Permit>;
  /** Null where nothing is ever granted. */
  readonly guard: GuardPort | null;
}

/** What all keepers of a server share. */
export interface KeeperWorld {
  readonly identity: SentinelIdentity;
  readonly records: RecordStore;
  readonly proc: ProcReader;
  readonly groups: ProcessGroups;
  readonly launcher: Launcher;
  readonly deaths: DeathWatch;
  readonly outputs: OutputTrim;
  readonly status: StatusWriter;
  readonly grants: Grants;
  readonly events: EventSink;
  readonly alerts: AlertSink;
  readonly messages: MessageLog;
  /** What `exec` readiness probes inherit, as the processes do. */
  readonly baseEnv: Readonly<Record<string, string>>;
}

/** What the schema says about an instance. May change at any time. */
export interface KeeperSettings {
  /** Null while its type is not defined (any more): it is kept as it is, and cannot be started. */
  readonly definition: LaunchDefinition | null;
  readonly policy: RestartPolicy;
  /** PROCESS_AUTO_DUMPLOG: put the last output away when it dies. */
  readonly dumpsDeaths: boolean;
}

export interface KeeperDeps extends KeeperWorld, KeeperSettings {
  readonly key: ProcessKey;
  /** Hears every status, the first included. */
  readonly onStatus: (status: ProcessStatus) => void;
}
