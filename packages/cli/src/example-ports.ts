/** The example's processes listen on ports that begin with 2808; in a home made where those are taken, they move. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { isFree } from "./free-ports.ts";

const USUAL = "2808";
const OTHERS = ["2818", "2828", "2838", "2848", "2858", "2868", "2878", "2888", "2898"];
const LAST_DIGITS = ["0", "1", "2"];

/** Rewrites the file of a new home in place when it must; answers what the ports begin with then, else null. */
export async function settleExamplePorts(file: string): Promise<string | null> {
  if (!existsSync(file) || !readFileSync(file, "utf8").includes(USUAL)) return null;
  for (const beginning of [USUAL, ...OTHERS]) {
    const free = await Promise.all(LAST_DIGITS.map((digit) => isFree(Number(`${beginning}${digit}`))));
    if (free.includes(false)) continue;
    if (beginning === USUAL) return null;
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(USUAL, beginning));
    return beginning;
  }
  return null; // all taken: readiness will say which
}
