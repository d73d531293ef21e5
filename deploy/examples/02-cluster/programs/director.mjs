/** DIRECTOR: tells clients how busy this server is, so that they choose another. */
import { hostname, loadavg } from "node:os";
import { log, serve } from "./program.mjs";

await serve("director", () => ({ server: process.env.CASTELLAN_SERVER ?? hostname(), load: loadavg()[0] }));
log("directing");
