/** `worker-program.ts HOME PROGRAM`: a worker to be killed: keeps three instances and restarts them all the time. */
import { join } from "node:path";
import { ServerKit } from "./server-kit.ts";

const [home = "", program = ""] = process.argv.slice(2);
const kit = await ServerKit.create({
  dir: home,
  path: (...parts) => join(home, ...parts),
  remove: async () => undefined,
});
await kit.define("WIS", 3, { command: [process.execPath, program] });
const worker = await kit.worker();
await Promise.all([1, 2, 3].map((instance) => worker.bring("WIS", instance, "RUNNING")));
process.stdout.write("up\n");
for (;;) await Promise.all([1, 2, 3].map((instance) => worker.bring("WIS", instance, "RESTARTED")));
