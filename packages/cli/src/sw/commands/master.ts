/** `swadm find_master`, `swadm set_master`. */
import { findMaster, setMaster } from "@castellan/admin";
import { EXIT } from "../../exit-code.ts";
import { printJson, type Run } from "../../invocation.ts";

export const find: Run = async (invocation) => {
  const master = await findMaster(await invocation.openAdmin());
  if (invocation.json) printJson(invocation, master);
  else if (master.server === null) invocation.io.out("There is no master machine.\n");
  else invocation.io.out(`The master machine is machine ${master.server}.\n`);
  return master.server === null ? EXIT.refused : EXIT.done;
};

export const set: Run<[string]> = async (invocation, machine) => {
  const done = await setMaster(await invocation.openAdmin(), machine, invocation.timeoutMs ?? undefined);
  if (invocation.json) printJson(invocation, done);
  else invocation.io.out(`The master machine has been set to machine ${done.server}.\n`);
  return EXIT.done;
};
