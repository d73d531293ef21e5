/** WIS: keeps the items of its share of the queues. Of no use without WQS. */
import { ask, giveUp, instance, log, serve } from "./program.mjs";

const SHARES = 2;
const MOST = 1000;

const queues = await ask("wqs", "queues").catch((problem) => giveUp(`the work queue server: ${problem.message}`));
const mine = Object.keys(queues).filter((_, i) => i % SHARES === (instance - 1) % SHARES);
const items = new Map(mine.map((queue) => [queue, []]));

await serve(`wis-${instance}`, async (verb, queue, ...words) => {
  const list = items.get(queue);
  if (list === undefined) return { error: `my queues are ${mine.join(", ")}` };
  if (verb === "add") {
    if (list.length >= MOST) list.shift();
    list.push(words.join(" "));
    await ask("wqs", `count ${queue} ${list.length}`).catch((problem) => log(problem.message));
  }
  return list;
});
log(`listing the items of ${mine.join(" and ")}`);
