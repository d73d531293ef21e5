/** `swadm show_processes|add_process|enable_process|disable_process|delete_process`. */
import {
  addInstance,
  type InstanceChanged,
  removeInstance,
  selectProcesses,
  setInstanceEnabled,
} from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { EXIT } from "../../exit-code.ts";
import { type Invocation, printJson, type Run } from "../../invocation.ts";
import { targetOf } from "../../target.ts";
import { flagOf, instanceOf, typeOf } from "../../words.ts";
import { formatProcesses } from "../lines.ts";

export const show: Run<[readonly (string | undefined)[]]> = async (invocation, [machine, type, instance]) => {
  const meant = selectProcesses(await status(await invocation.openAdmin()), targetOf(machine, type, instance));
  if (invocation.json) printJson(invocation, meant);
  else invocation.io.out(formatProcesses(meant, invocation.io.columns));
  return EXIT.done;
};

export const add: Run<[string, string, string]> = async (invocation, machine, type, enabled) => {
  const isEnabled = flagOf("ENABLED", enabled);
  const added = await addInstance(await invocation.openAdmin(), machine, typeOf(type), isEnabled);
  return tell(invocation, added, isEnabled ? "added, enabled" : "added, disabled");
};

export const enable: Run<[string, string, string]> = async (invocation, machine, type, instance) => {
  const target = { server: machine, type: typeOf(type), instance: instanceOf(instance) };
  return tell(invocation, await setInstanceEnabled(await invocation.openAdmin(), target, true), "enabled");
};

export const disable: Run<[string, string, string]> = async (invocation, machine, type, instance) => {
  const target = { server: machine, type: typeOf(type), instance: instanceOf(instance) };
  return tell(invocation, await setInstanceEnabled(await invocation.openAdmin(), target, false), "disabled");
};

export const remove: Run<[string, string, string]> = async (invocation, machine, type, instance) => {
  const target = { server: machine, type: typeOf(type), instance: instanceOf(instance) };
  const removed = await removeInstance(await invocation.openAdmin(), target);
  if (invocation.json) printJson(invocation, removed);
  else invocation.io.out(`${removed.type} ${removed.instance} on machine ${removed.server} has been deleted.\n`);
  return EXIT.done;
};

function tell(invocation: Invocation, changed: InstanceChanged, what: string): number {
  const { io } = invocation;
  if (invocation.json) printJson(invocation, changed);
  else {
    const { server, type, instance, unchanged, operationId, problem } = changed;
    io.out(`${type} ${instance} on machine ${server} ${unchanged ? "was" : "has been"} ${what}.\n`);
    if (operationId !== null) io.out(`It is being started (operation ${operationId}).\n`);
    if (problem !== null) io.err(`swadm: it was not started: ${problem}\n`);
  }
  return EXIT.done;
}
