/** `castellan config export|import`: the whole configuration as one file. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { exportConfiguration, importConfiguration, sizeOf } from "@castellan/admin";
import { loadConfigFile, writeConfigText } from "@castellan/kernel/config";
import { ConfigurationCopy } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatConfigurationDifference } from "../format/configuration.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

/** Without a file: on stdout. A file that is there already is not written over. */
export const exportTo: Run<[string | undefined]> = async (invocation, file) => {
  const { io } = invocation;
  const { configuration, problems } = await exportConfiguration(await invocation.openAdmin());
  for (const problem of problems) io.err(`castellan: ${problem}\n`);
  const isComplete = problems.length === 0 ? EXIT.done : EXIT.refused;
  const text = writeConfigText(configuration);
  if (file === undefined) {
    if (invocation.json) printJson(invocation, configuration);
    else io.out(text);
    return isComplete;
  }
  const path = resolve(io.cwd, file);
  writeFileSync(path, text, { flag: "wx" });
  if (invocation.json) printJson(invocation, { file: path });
  else io.out(`wrote ${path}\n`);
  return isComplete;
};

export const importFrom: Run<[string, { readonly dryRun?: boolean }]> = async (
  invocation,
  file,
  { dryRun = false },
) => {
  const { io } = invocation;
  const copy = loadConfigFile(resolve(io.cwd, file), ConfigurationCopy);
  const difference = await importConfiguration(await invocation.openAdmin(), copy, { dryRun });
  if (invocation.json) {
    const { types, queues, ...rest } = difference;
    const named = ({ name, change, fields }: (typeof types | typeof queues)[number]) => ({ name, change, fields });
    printJson(invocation, { dryRun, ...rest, types: types.map(named), queues: queues.map(named) });
    return EXIT.done;
  }
  const style = createStyle(io.outColour);
  io.out(formatConfigurationDifference(difference, style));
  if (sizeOf(difference) === 0) return EXIT.done;
  const hint = "start what is new: `castellan start`";
  if (dryRun) io.out("nothing was changed: this was a dry run\n");
  else if (difference.processes.some(({ change }) => change === "added")) io.out(`${style.faint(hint)}\n`);
  return EXIT.done;
};
