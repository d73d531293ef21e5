/** `castellan master [set SERVER]`. */
import { findMaster, setMaster } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { printJson, type Run } from "../invocation.ts";

export const find: Run = async (invocation) => {
  const master = await findMaster(await invocation.openAdmin());
  const { server, id, epoch, state } = master;
  if (invocation.json) printJson(invocation, master);
  else if (server === null) invocation.io.out("no server is master\n");
  else invocation.io.out(`${server} (#${id ?? 0}) is master, epoch ${epoch}, ${state ?? "unknown"}\n`);
  return server === null ? EXIT.refused : EXIT.done;
};

export const set: Run<[string]> = async (invocation, name) => {
  const ctx = await invocation.openAdmin();
  const done = await setMaster(ctx, name, invocation.timeoutMs ?? undefined);
  if (invocation.json) printJson(invocation, done);
  else if (done.previous === done.server) invocation.io.out(`${done.server} was master already, epoch ${done.epoch}\n`);
  else invocation.io.out(`${done.server} is master now, epoch ${done.epoch} (was ${done.previous ?? "nobody"})\n`);
  return EXIT.done;
};
