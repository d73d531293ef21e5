/**
 * File-system events of some directories, as one signal: "look again". An event source may break, and a directory may be
 * replaced by another of the same name; `refresh` notices both. Whoever uses it scans periodically besides.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ensureError, type Logger } from "@castellan/kernel";

export interface DirectoryWatch {
  /** Watches what is there now: new directories, replaced ones, broken watches. */
  refresh(directories: ReadonlyMap<string, readonly string[]>): Promise<void>;
  close(): void;
}

export interface DirectoryWatchDeps {
  /** Directories are relative to it. */
  readonly home: string;
  /** Called for each event whose name begins with one of the directory's prefixes; must not throw. */
  readonly onChange: () => void;
  readonly log: Logger;
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly identity: string;
  prefixes: readonly string[];
}

export function createDirectoryWatch({ home, onChange, log }: DirectoryWatchDeps): DirectoryWatch {
  const watched = new Map<string, Watched>();
  const failed = new Set<string>();
  let isClosed = false;

  function end(directory: string): void {
    watched.get(directory)?.watcher.close();
    watched.delete(directory);
  }

  function fail(directory: string, thrown: unknown): void {
    end(directory);
    if (failed.has(directory) || isClosed) return;
    failed.add(directory);
    const error = ensureError(thrown).message;
    log.warn("a directory cannot be watched by events; it is scanned every few seconds", { directory, error });
  }

  function begin(directory: string, identity: string, prefixes: readonly string[]): void {
    try {
      const watcher = watch(join(home, directory), { persistent: false });
      const entry: Watched = { watcher, identity, prefixes };
      watcher.on("change", (_, name) => {
        if (typeof name !== "string" || entry.prefixes.some((prefix) => name.startsWith(prefix))) onChange();
      });
      watcher.on("error", (error) => fail(directory, error));
      watched.set(directory, entry);
      failed.delete(directory);
      // What happened before the watch began is seen by looking once more.
      onChange();
    } catch (thrown) {
      fail(directory, thrown);
    }
  }

  return {
    async refresh(directories) {
      for (const directory of watched.keys()) if (!directories.has(directory)) end(directory);
      for (const [directory, prefixes] of directories) {
        const identity = await identityOf(join(home, directory));
        if (isClosed) return;
        const current = watched.get(directory);
        if (current && current.identity === identity) current.prefixes = prefixes;
        else {
          end(directory);
          if (identity !== null) begin(directory, identity, prefixes);
        }
      }
    },
    close() {
      isClosed = true;
      for (const directory of watched.keys()) end(directory);
    },
  };
}

async function identityOf(directory: string): Promise<string | null> {
  const found = await stat(directory, { bigint: true }).catch(() => null);
  return found?.isDirectory() ? `${found.dev}:${found.ino}` : null;
}
