/** Writes numbered lines to error files of a node, some of them new files, and knows what must come of it. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkItemReport } from "@castellan/protocol";

export interface AlertWriter {
  /** One more line to one of the files, the same ones in turn. */
  write(): void;
  /** What is wrong with the items, given all that was written; empty = exactly one item a file, every line counted once. */
  complaints(items: readonly WorkItemReport[]): string[];
  readonly written: number;
}

export function createAlertWriter(home: string, files = 3): AlertWriter {
  const counts = new Map<string, number>();
  let written = 0;
  return {
    write() {
      const file = join(home, "logs", `sw_error_${String.fromCodePoint(97 + (written % files))}`);
      written += 1;
      appendFileSync(file, `alert number ${written}\n`);
      counts.set(file, (counts.get(file) ?? 0) + 1);
    },
    complaints(items) {
      const complaints: string[] = [];
      for (const [file, count] of counts) {
        const own = items.filter(({ subject }) => subject === file);
        if (own.length !== 1) complaints.push(`${own.length} items for ${file}`);
        const occurrences = own.reduce((sum, item) => sum + item.occurrences, 0);
        if (occurrences !== count) complaints.push(`${occurrences} occurrences of ${count} lines in ${file}`);
      }
      return complaints;
    },
    get written() {
      return written;
    },
  };
}
