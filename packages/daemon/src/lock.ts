/**
 * A lock that the kernel releases when its holder dies, however it dies. SQLite's file lock is the one such lock that a
 * Node program has without another native module; the lock's file is an empty database in `run/`.
 */
import { statSync } from "node:fs";
import { CastellanError, type Clock, ensureError, sleep } from "@castellan/kernel";
import Database from "better-sqlite3";

export interface Lock {
  /** Its file has been removed or replaced: who locks the path now shuts nobody out but himself. */
  isLost(): boolean;
  release(): void;
}

const EVERY_MS = 25;

/**
 * Takes the lock, waiting at most `withinMs` milliseconds; null when another process holds it all that time, or at once
 * when `isTaken` says that its holder is not about to end.
 */
export async function takeLock(
  path: string,
  clock: Clock,
  withinMs: number,
  isTaken: () => boolean = () => false,
): Promise<Lock | null> {
  const deadline = clock.bootMs() + withinMs;
  for (;;) {
    const lock = tryLock(path);
    if (lock !== null || clock.bootMs() >= deadline || isTaken()) return lock;
    await sleep(clock, EVERY_MS);
  }
}

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

function tryLock(path: string): Lock | null {
  let file: Database.Database | undefined;
  try {
    file = new Database(path, { timeout: 0 });
    // A rollback journal kept in memory: the lock needs no second file, so a read-only or full disk can still be locked.
    file.pragma("journal_mode = MEMORY");
    file.exec("BEGIN EXCLUSIVE");
    const held = file;
    const inode = inodeOf(path);
    return { isLost: () => inodeOf(path) !== inode, release: () => held.close() };
  } catch (thrown) {
    file?.close();
    if (thrown instanceof Database.SqliteError && thrown.code.startsWith("SQLITE_BUSY")) return null;
    throw new CastellanError("LOCK_FAILED", `cannot lock ${path}: ${ensureError(thrown).message}`, { cause: thrown });
  }
}
