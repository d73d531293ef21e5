/**
 * A small ext4 file system of a test's own, in an image file on a loop device, that can be made to fail in earnest: files
 * that are open already are refused as well, which no read-only mount on top of them does.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { eventually } from "@castellan/testkit";

export interface DiskImage {
  /** Where it is mounted. */
  readonly dir: string;
  /** Has everything that was written on the disk. */
  sync(): void;
  /** As after a disk error: from now on the kernel answers every write, also to open files, with EROFS. For good. */
  fail(): void;
  /** Checks and mounts it anew, with what had reached the disk. Whoever has files of it open must be about to end. */
  repair(): Promise<void>;
  /** Refuses every write, creation, renaming and removal below `path`, also by open files, with EPERM; or allows them again. */
  setImmutable(path: string, isImmutable: boolean): void;
  remove(): void;
}

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/** Throws where loop devices, ext4 or the right to mount are missing. */
export function diskImage(megabytes: number): DiskImage {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "castellan-disk-")));
  const image = join(root, "image");
  const dir = `${root}-mounted`;
  let device: string | null = null;
  const mount = (): void => {
    run("mount", "-t", "ext4", "-o", "errors=remount-ro", device ?? "", dir);
  };
  const remove = (): void => {
    if (device !== null) {
      try {
        run("umount", "-l", dir);
      } finally {
        run("losetup", "-d", device);
      }
    }
    for (const path of [dir, root]) rmSync(path, { recursive: true, force: true });
  };
  try {
    writeFileSync(image, "");
    truncateSync(image, megabytes * 1024 * 1024);
    run("mkdir", dir);
    run("mkfs.ext4", "-q", "-F", image);
    const attached = run("losetup", "--find", "--show", image);
    device = attached;
    mount();
    return {
      dir,
      sync: () => void run("sync", "-f", dir),
      fail: () => writeFileSync(`/sys/fs/ext4/${basename(attached)}/trigger_fs_error`, "1"),
      async repair() {
        // A process that is killed has lost its command line before it closes its files.
        await eventually(
          () => {
            run("umount", dir);
          },
          { everyMs: 100, describe: "nobody has a file open there" },
        );
        // 1: errors were corrected
        run("sh", "-c", `e2fsck -fy "${attached}" || [ $? -eq 1 ]`);
        mount();
      },
      // Sockets and the like have no such flag: chattr says so and goes on.
      setImmutable: (path, isImmutable) =>
        void run("sh", "-c", `chattr -R ${isImmutable ? "+i" : "-i"} "${path}" 2>/dev/null || true`),
      remove,
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

/** Why there can be none here, or null. */
export function whyNoDiskImage(): string | null {
  try {
    diskImage(2).remove();
    return null;
  } catch (thrown) {
    return String(thrown).split("\n")[0] ?? "";
  }
}
