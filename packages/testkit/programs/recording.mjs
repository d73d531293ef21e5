/** `recording.mjs FILE`: appends its process id to FILE, then runs until SIGTERM: every start of it can be counted. */
import { appendFileSync } from "node:fs";

appendFileSync(process.argv[2] ?? "", `${process.pid}\n`);
process.on("SIGTERM", () => process.exit(0));
setInterval(() => {}, 60_000);
process.stdout.write("started\n");
