/** What the attributes of a node say of one instance, at its place. */
import type { ProcessKey } from "@castellan/protocol";
import { type NodeView, numberAttribute } from "@castellan/store";
import type { KeeperSettings } from "./keeper-deps.ts";
import type { RestartPolicy } from "./restart-window.ts";

/** What of a node's view a process table needs. */
export type ProcessView = Pick<NodeView, "types" | "instances" | "attributes">;

export function attributesOf(
  view: Pick<ProcessView, "attributes">,
  machineId: number,
  key: ProcessKey,
): Pick<KeeperSettings, "policy" | "dumpsDeaths"> {
  const place = { machineId, process: key.type, instance: key.instance };
  const dumpsDeaths = numberAttribute(view.attributes, place, "PROCESS_AUTO_DUMPLOG") !== 0;
  return { policy: policyOf(view, machineId, key), dumpsDeaths };
}

/** Of an instance, from the attributes that hold at its place. Nonsense is read as the nearest sense. */
export function policyOf(view: Pick<ProcessView, "attributes">, machineId: number, key: ProcessKey): RestartPolicy {
  const place = { machineId, process: key.type, instance: key.instance };
  const { attributes } = view;
  return {
    autoRestarts: numberAttribute(attributes, place, "PROCESS_AUTO_RESTARTS") !== 0,
    maxRestarts: Math.max(0, Math.trunc(numberAttribute(attributes, place, "PROCESS_MAX_RESTARTS"))),
    windowMs: Math.max(0, numberAttribute(attributes, place, "PROCESS_MIN_RESTART_PERIOD") * 1000),
  };
}
