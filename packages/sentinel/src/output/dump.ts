/**
 * A dump: the last of what an instance printed, and its state, put away in a file of its own before later output pushes it
 * out. Of one type only the latest few are kept.
 */
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessKey } from "@castellan/protocol";
import { readAt, withOutput } from "./output-file.ts";

/** How much of the output, bytes. */
const TAIL = 256 * 1024;
const MOST_KEPT = 10;

export interface Dump {
  readonly key: ProcessKey;
  readonly pid: number | null;
  readonly at: Date;
  /** What is known of the instance, a line each. */
  readonly state: Readonly<Record<string, string | number | null>>;
  readonly output: string;
  /** Where its output ended at that moment, bytes; null = where it ends now. */
  readonly end: number | null;
}

/** Writes `logs/{TYPE}_{time}_{pid}.dmp` and answers its path. Rejects with the system's error. */
export async function writeDump(home: string, { key, pid, at, state, output, end }: Dump): Promise<string> {
  const directory = join(home, "logs");
  const type = key.type.toUpperCase();
  const time = at.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 19);
  const path = join(directory, `${type}_${time}_${pid ?? 0}.dmp`);
  const head = Object.entries({ process: `${type} ${key.instance}`, pid, time: at.toISOString(), ...state });
  const lines = head.map(([name, value]) => `${name}: ${value ?? "-"}\n`).join("");
  const tail =
    (await withOutput(output, async (file) => {
      const last = Math.min(end ?? Number.POSITIVE_INFINITY, (await file.stat()).size);
      const from = Math.max(0, last - TAIL);
      return await readAt(file, from, last - from);
    })) ?? Buffer.alloc(0);
  await writeFile(path, Buffer.concat([Buffer.from(`${lines}\n`), tail]), { mode: 0o640 });
  await prune(directory, type);
  return path;
}

/** The time in the names sorts them. */
async function prune(directory: string, type: string): Promise<void> {
  const ours = new RegExp(`^${type}_(\\d{8}-\\d{6}\\.\\d{3})_\\d+\\.dmp$`);
  const times = (await readdir(directory)).filter((name) => ours.test(name)).toSorted();
  for (const name of times.slice(0, -MOST_KEPT)) await rm(join(directory, name), { force: true });
}
