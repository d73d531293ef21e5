/** Temporary directories that go away even when the test made parts of them unwritable. */
import { chmod, lstat, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemCode } from "@castellan/kernel";

export interface TempHome {
  /** Absolute and free of symbolic links; unique, so it also serves as marker for `findProcesses`. */
  readonly dir: string;
  /** A path below `dir`. */
  path(...parts: string[]): string;
  /** Deletes the directory and everything in it. Twice is fine. */
  remove(): Promise<void>;
}

/** A new empty directory, readable by its owner only. */
export async function tempHome(prefix = "castellan-test-"): Promise<TempHome> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  const remove = async (): Promise<void> => {
    await makeWritable(dir);
    await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  return { dir, path: (...parts) => join(dir, ...parts), remove };
}

/** A directory without write permission keeps its entries: give it back first. What goes meanwhile is gone. */
async function makeWritable(dir: string): Promise<void> {
  try {
    await makeDirectoryWritable(dir);
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
  }
}

async function makeDirectoryWritable(dir: string): Promise<void> {
  const state = await lstat(dir);
  if (!state.isDirectory()) return;
  if ((state.mode & 0o700) !== 0o700) await chmod(dir, 0o700);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(dir, entry.name));
  }
}
