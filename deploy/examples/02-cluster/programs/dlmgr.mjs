/** DLMGR: finds the cases that have waited for longer than a minute. */
import { box, every, log, now } from "./program.mjs";

const DEADLINE_MS = 60_000;
const cases = box("cases");

every(5000, () => {
  const atMs = now().getTime();
  const late = cases.names().filter((file) => atMs - Number(file.split("-")[0]) > DEADLINE_MS);
  if (late.length > 0) log(`${late.length} cases are late`);
});
log("watching deadlines");
