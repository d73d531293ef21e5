/** `castellan process add|enable|disable|remove`. */
import {
  addInstance,
  type InstanceChanged,
  type InstanceTarget,
  removeInstance,
  setInstanceEnabled,
} from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { instanceOf, typeOf } from "../words.ts";

export const add: Run<[string, string, boolean]> = async (invocation, server, type, isDisabled) => {
  const added = await addInstance(await invocation.openAdmin(), server, typeOf(type), !isDisabled);
  return tell(invocation, added, isDisabled ? "added, disabled" : "added");
};

export const enable: Run<[readonly string[]]> = async (invocation, words) =>
  tell(invocation, await setInstanceEnabled(await invocation.openAdmin(), targetOf(words), true), "enabled");

export const disable: Run<[readonly string[]]> = async (invocation, words) =>
  tell(invocation, await setInstanceEnabled(await invocation.openAdmin(), targetOf(words), false), "disabled");

export const remove: Run<[readonly string[]]> = async (invocation, words) => {
  const removed = await removeInstance(await invocation.openAdmin(), targetOf(words));
  if (invocation.json) printJson(invocation, removed);
  else invocation.io.out(`${removed.type} ${removed.instance} on ${removed.server} is removed\n`);
  return EXIT.done;
};

/** Throws BAD_NAME or USAGE. */
const targetOf = ([server = "", type = "", instance = ""]: readonly string[]): InstanceTarget => ({
  server,
  type: typeOf(type),
  instance: instanceOf(instance),
});

function tell(invocation: Invocation, changed: InstanceChanged, what: string): number {
  const { io } = invocation;
  if (invocation.json) {
    printJson(invocation, changed);
    return EXIT.done;
  }
  const { server, type, instance, unchanged, operationId, problem } = changed;
  io.out(`${type} ${instance} on ${server} ${unchanged ? "was" : "is"} ${what}${unchanged ? " already" : ""}\n`);
  if (operationId !== null) io.out(`it is being started (operation ${operationId})\n`);
  if (problem !== null) io.err(`castellan: it was not started: ${problem}\n`);
  return EXIT.done;
}
