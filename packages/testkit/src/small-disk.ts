/** A file system of a few megabytes that a test can fill up without harm to others: memory, mounted on a directory. */
import { execFile } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemCode } from "@castellan/kernel";
import { tempHome } from "./temp-home.ts";

export interface SmallDisk {
  readonly dir: string;
  /** Takes all that is free. */
  fill(): void;
  /** Gives it back. */
  empty(): void;
  /** Nobody may have a file of it open. */
  remove(): Promise<void>;
}

const BLOCK = Buffer.alloc(64 * 1024);
const run = promisify(execFile);

/** Why there can be none here; undefined when there can. */
export const whyNoSmallDisk = (): string | undefined =>
  process.getuid?.() === 0 ? undefined : "only root may mount a file system";

/** Everybody may write to it. Throws where mounting is not allowed: ask `whyNoSmallDisk` first to skip with a reason. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const home = await tempHome("castellan-disk-");
  await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0777`, "castellan-test", home.dir]);
  const ballast = join(home.dir, "ballast");
  return {
    dir: home.dir,
    fill() {
      const file = openSync(ballast, "a");
      try {
        // The last block is written in part, so at the end there is nothing left.
        for (;;) writeSync(file, BLOCK);
      } catch (thrown) {
        if (systemCode(thrown) !== "ENOSPC") throw thrown;
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    async remove() {
      await run("umount", [home.dir]);
      await home.remove();
    },
  };
}
