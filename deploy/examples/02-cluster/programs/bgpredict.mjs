/** BGPREDICT: says how long the cases that wait will take. */
import { box, every, log } from "./program.mjs";

const cases = box("cases");
let said = -1;

every(5000, () => {
  const waiting = cases.names().length;
  if (waiting !== said) log(`${waiting} cases wait: about ${waiting} s`);
  said = waiting;
});
log("predicting");
