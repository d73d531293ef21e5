/** IAPJMS: publishes what happens to cases, as lines that others may follow. */
import { appendFileSync, statSync, truncateSync } from "node:fs";
import { box, every, log } from "./program.mjs";

const FILE = "var/activity.log";
const MOST_BYTES = 1024 * 1024;
const cases = box("cases");
let known = new Set();

every(2000, () => {
  const now = new Set(cases.names());
  const begun = [...now].filter((file) => !known.has(file));
  if (begun.length > 0) appendFileSync(FILE, begun.map((file) => `begun ${file}\n`).join(""));
  if ((statSync(FILE, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES) truncateSync(FILE, 0);
  known = now;
});
log("publishing activities");
