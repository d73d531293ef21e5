/** `trimming-worker.ts HOME`: a worker to be killed: keeps one instance that writes a lot. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServerKit } from "../process/server-kit.ts";

const [home = ""] = process.argv.slice(2);
const kit = await ServerKit.create({
  dir: home,
  path: (...parts) => join(home, ...parts),
  remove: async () => undefined,
});
const program = fileURLToPath(new URL("./numbered-lines.mjs", import.meta.url));
await kit.define("OUT", 1, { command: [process.execPath, program, join(home, "credit")], logs: { keep: "4M" } });
const worker = await kit.worker();
await worker.bring("OUT", 1, "RUNNING");
process.stdout.write("up\n");
