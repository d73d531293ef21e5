/** `castellan apply FILE`: makes types and instances as the file says. */
import { resolve } from "node:path";
import { applySpec, isEmpty } from "@castellan/admin";
import { loadConfigFile } from "@castellan/kernel/config";
import { NodeSpec } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatDifference } from "../format/difference.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[string, { readonly dryRun?: boolean }]> = async (invocation, file, { dryRun = false }) => {
  const { io, json } = invocation;
  const spec = loadConfigFile(resolve(io.cwd, file), NodeSpec);
  const difference = await applySpec(await invocation.openAdmin(), spec, { dryRun });
  if (json) {
    const types = difference.types.map(({ name, change, fields }) => ({ name, change, fields }));
    const instances = difference.instances.map(({ server, type, instance, change }) => ({
      server,
      type,
      instance,
      change,
    }));
    const queues = difference.queues.map(({ name, change, fields }) => ({ name, change, fields }));
    printJson(invocation, { dryRun, types, instances, queues });
    return EXIT.done;
  }
  const style = createStyle(io.outColour);
  io.out(formatDifference(difference, style));
  if (isEmpty(difference)) return EXIT.done;
  const hints = [
    ...(difference.instances.some((instance) => instance.change === "added")
      ? ["start what is new: `castellan start`"]
      : []),
    ...(difference.instances.some((instance) => instance.change === "removed")
      ? ["what was removed is being stopped by its server's sentinel: `castellan status`"]
      : []),
    ...(difference.types.some((type) => type.change === "changed")
      ? ["a changed type holds from the next start of its processes: `castellan restart SERVER TYPE`"]
      : []),
  ];
  io.out(dryRun ? "nothing was changed: this was a dry run\n" : hints.map((hint) => `${style.faint(hint)}\n`).join(""));
  return EXIT.done;
};
