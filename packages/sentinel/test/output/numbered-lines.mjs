// numbered-lines.mjs: writes numbered lines for ever, some 20 MB a second.
import { writeSync } from "node:fs";

const rest = "x".repeat(80);
let number = 0;
setInterval(() => {
  let lines = "";
  for (let count = 0; count < 2000; count += 1) {
    lines += `line ${number} ${rest}\n`;
    number += 1;
  }
  writeSync(1, lines);
}, 10);
