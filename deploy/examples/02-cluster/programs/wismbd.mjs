/** WISMBD: takes messages out of its box and gives each to its work item server. */
import { ask, box, every, instance, log } from "./program.mjs";

const messages = box(`mbox-${instance}`);
const queue = instance % 2 === 1 ? "orders" : "complaints";

every(1000, async () => {
  const message = messages.take();
  if (message === null) return;
  await ask(`wis-${instance}`, `add ${queue} ${message.text}`).catch((problem) =>
    log(`not delivered: ${problem.message}`),
  );
});
log("delivering");
