/** WQS: knows the work queues, and how many items wait in each. One in the whole node. */
import { log, serve } from "./program.mjs";

const counts = new Map(["orders", "complaints", "invoices", "holidays"].map((queue) => [queue, 0]));

await serve("wqs", (verb, queue, count) => {
  if (verb === "queues") return Object.fromEntries(counts);
  if (verb === "count" && counts.has(queue)) counts.set(queue, Number(count));
  return { error: verb === "count" ? null : "queues | count QUEUE N" };
});
log(`listing ${counts.size} queues`);
