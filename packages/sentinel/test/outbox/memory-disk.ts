/** A disk that can be full, read-only, or taken away in the middle of a write. */
import type { OutboxDisk } from "../../src/outbox/outbox-disk.ts";

export class Crash extends Error {}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}

export interface MemoryDisk extends OutboxDisk {
  readonly files: Map<string, Uint8Array>;
  /** Bytes that fit altogether. */
  capacity: number;
  /** Every write fails with this code. */
  refuse: string | null;
  /** Bytes that may still be written before the host is gone; what was written of a file up to then stays. */
  untilCrash: number;
  syncs: number;
  /** Writes arrive, but the sync fails. */
  failsSync: boolean;
  /** Appends wait until the returned function is called. */
  hold(): () => void;
}

export function createMemoryDisk(files = new Map<string, Uint8Array>()): MemoryDisk {
  let gate = Promise.resolve();
  const used = (): number => [...disk.files.values()].reduce((sum, file) => sum + file.length, 0);
  const guard = (): void => {
    if (disk.untilCrash <= 0) throw new Crash("the host is gone");
    if (disk.refuse !== null) throw systemError(disk.refuse);
  };
  const put = (name: string, content: Uint8Array): void => {
    const growth = content.length - (disk.files.get(name)?.length ?? 0);
    if (growth > 0 && used() + growth > disk.capacity) throw systemError("ENOSPC");
    disk.files.set(name, content);
  };
  const disk: MemoryDisk = {
    path: "/memory/run/outbox",
    files,
    capacity: Number.POSITIVE_INFINITY,
    refuse: null,
    untilCrash: Number.POSITIVE_INFINITY,
    syncs: 0,
    failsSync: false,
    hold() {
      let release: (() => void) | undefined;
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release?.();
    },
    async list() {
      return [...files.keys()];
    },
    async read(name) {
      const content = files.get(name);
      if (content === undefined) throw systemError("ENOENT");
      return content;
    },
    async append(name, offset, data) {
      await gate;
      guard();
      const before = files.get(name) ?? new Uint8Array(0);
      const written = Math.min(data.length, disk.untilCrash);
      const content = new Uint8Array(Math.max(before.length, offset + written));
      content.set(before);
      content.set(data.subarray(0, written), offset);
      const room = disk.capacity - used() + before.length;
      if (content.length > room) {
        files.set(name, content.subarray(0, Math.max(before.length, room)));
        throw systemError("ENOSPC");
      }
      files.set(name, content);
      disk.untilCrash -= data.length;
      if (disk.untilCrash <= 0) throw new Crash("the host is gone");
      if (disk.failsSync) throw systemError("EIO");
      disk.syncs += 1;
    },
    async truncate(name, length) {
      guard();
      files.set(name, (files.get(name) ?? new Uint8Array(0)).slice(0, length));
    },
    async replace(name, data) {
      guard();
      put(name, Buffer.from(data));
    },
    async remove(name) {
      if (disk.refuse === "EROFS") guard();
      files.delete(name);
    },
    async freeBytes() {
      return disk.capacity - used();
    },
    async close() {
      await Promise.resolve();
    },
  };
  return disk;
}
