/** Has a child of its own, which outlives it unless the whole group is ended. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const steady = fileURLToPath(new URL("./steady.mjs", import.meta.url));
const child = spawn(process.execPath, [steady, ...process.argv.slice(2)], { stdio: "ignore" });
process.on("SIGTERM", () => process.exit(0));
child.on("spawn", () => process.stdout.write(`grandchild ${child.pid}\n`));
