// numbered-lines.mjs CREDIT: writes numbered lines, some 20 MB a second, up to the number that the file CREDIT holds: who
// reads them is never left so far behind that what he has not read may be cut off, however slow the machine is.
import { readFileSync, writeSync } from "node:fs";

const [credit = ""] = process.argv.slice(2);
const rest = "x".repeat(80);
let number = 0;
setInterval(() => {
  if (Number(readFileSync(credit, "utf8")) < number + 2000) return;
  let lines = "";
  for (let count = 0; count < 2000; count += 1) {
    lines += `line ${number} ${rest}\n`;
    number += 1;
  }
  writeSync(1, lines);
}, 10);
