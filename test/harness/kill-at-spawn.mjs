/**
 * Loaded into the programs of a node under test (`node --import=FILE?TRAP`). When a worker is about to spawn the managed process
 * that the trap file names, it is killed with SIGKILL at exactly that call: `before` it, or `after` it has succeeded and
 * before anything else can happen. A trap springs once: it is renamed to `.sprung` first. The product knows nothing of it.
 */
import childProcess from "node:child_process";
import { readFileSync, renameSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const trap = decodeURIComponent(new URL(import.meta.url).search.slice(1));
const { spawn } = childProcess;

/** When to die, if the trap is set for this process. */
function momentFor(environment) {
  try {
    const [moment, type, instance] = readFileSync(trap, "utf8").trim().split(" ");
    return environment?.CASTELLAN_TYPE === type && environment.CASTELLAN_INSTANCE === instance ? moment : null;
  } catch {
    return null; // not set
  }
}

function die() {
  renameSync(trap, `${trap}.sprung`);
  process.kill(process.pid, "SIGKILL");
}

childProcess.spawn = (program, args, options) => {
  const moment = momentFor(options?.env);
  if (moment === "before") die();
  const child = spawn(program, args, options);
  if (moment === "after") die();
  return child;
};
syncBuiltinESMExports();
