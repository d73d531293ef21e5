/** Has a child that leaves its process group for a session of its own, and outlives it. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const steady = fileURLToPath(new URL("./steady.mjs", import.meta.url));
const child = spawn(process.execPath, [steady, ...process.argv.slice(2)], { stdio: "inherit", detached: true });
process.on("SIGTERM", () => process.exit(0));
child.on("spawn", () => process.stdout.write(`daemon ${child.pid}\n`));
