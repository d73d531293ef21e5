/** BG: takes the next step of a case; what a person has to do becomes a message. */
import { box, every, log } from "./program.mjs";

const cases = box("cases");
const boxes = [box("mbox-1"), box("mbox-2")];

every(1000, () => {
  const taken = cases.take();
  if (taken === null) return;
  const to = boxes[taken.number % boxes.length];
  to.put({ text: `case ${taken.number} wants a look` });
  log(`case ${taken.number} went on`);
});
log("processing cases");
