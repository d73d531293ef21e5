/** SPO: shows the objects of this server to programs: what lies in its boxes. */
import { box, log, serve } from "./program.mjs";

const cases = box("cases");
await serve("spo", () => cases.names());
log("serving objects");
