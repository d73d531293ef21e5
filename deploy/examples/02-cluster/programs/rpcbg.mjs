/** RPCBG: begins cases, one when it is asked (`start`), and one every few seconds by itself. */
import { box, every, log, serve } from "./program.mjs";

const cases = box("cases");
let number = 0;

function begin() {
  number += 1;
  return cases.put({ number }) ? { number } : { error: "too many cases wait" };
}

await serve("rpcbg", begin);
every(3000, begin);
log("beginning cases");
