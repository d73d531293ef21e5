/** `run/epoch`: the highest epoch that this server has seen. A schema that shows a lower one is not what it was. */
import { existsSync } from "node:fs";
import { ensureError, type Logger, readSmallFileSync } from "@castellan/kernel";
import type { EpochMemory } from "@castellan/sentinel";
import { writeDurably } from "@castellan/sentinel/pair";

const MAX_BYTES = 64;

export function openEpochFile(path: string, log: Logger): EpochMemory {
  let highest = read(path, log);
  return {
    get highest() {
      return highest;
    },
    async remember(epoch) {
      if (epoch <= highest) return;
      highest = epoch;
      await writeDurably(path, `${epoch}\n`);
    },
  };
}

function read(path: string, log: Logger): number {
  if (!existsSync(path)) return 0;
  try {
    const epoch = Number(readSmallFileSync(path, MAX_BYTES).toString("utf8").trim());
    if (Number.isSafeInteger(epoch) && epoch >= 0) return epoch;
    log.error("run/epoch does not hold a number; the schema is believed", { path });
  } catch (thrown) {
    log.error("run/epoch cannot be read; the schema is believed", { path, error: ensureError(thrown) });
  }
  return 0;
}
