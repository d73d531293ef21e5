/** DIRECTOR: tells clients how busy this server is, so that they choose another. */
import { loadavg } from "node:os";
import { log, serve, server } from "./program.mjs";

await serve("director", () => ({ server, load: loadavg()[0] }));
log("directing");
