/** The home full: what was accepted is kept, what happens is said, and all goes on afterwards. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemCode } from "@castellan/kernel";
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createAlertWriter } from "../harness/alert-writer.ts";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

/** A file system of our own needs the right to mount one. */
function canMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), "castellan-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "castellan-test", at], { stdio: "ignore" });
    execFileSync("umount", [at]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}

/** Takes all that is free, also what others free or take meanwhile: somebody writes a log all the time. */
function fillUp(path: string): void {
  const file = openSync(path, "a");
  const block = Buffer.alloc(64 * 1024);
  try {
    for (;;) writeSync(file, block); // the last one is written in part
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOSPC") throw thrown;
  } finally {
    closeSync(file);
  }
}

const mountable = canMount();
let node: TestNode | null = null;
let mount: string | null = null;
afterEach(async () => {
  try {
    await node?.dispose();
  } finally {
    node = null;
    if (mount !== null) {
      execFileSync("umount", ["-l", mount]);
      rmSync(mount, { recursive: true, force: true });
      mount = null;
    }
  }
});

const counted = (running: TestNode, writer: ReturnType<typeof createAlertWriter>) =>
  eventually(
    async () => {
      const complaints = writer.complaints(await running.items("--all"));
      if (complaints.length > 0) throw new Error(complaints.join("; "));
    },
    { withinMs: 90_000, everyMs: 500, describe: "every line is counted once on one item a file" },
  );

describe.skipIf(!mountable)(
  "a home on a small file system (skipped where mounting a tmpfs is not permitted: run as root)",
  () => {
    it("that is full loses nothing that was accepted and stops no process", async () => {
      mount = mkdtempSync(join(tmpdir(), "castellan-small-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "castellan-test", mount]);
      node = await makeNode({ types: LAYERS, at: mount, fspart: ". 1M\n" });
      const up = await node.up();
      expect(up.code, said(up)).toBe(0);
      const before = await node.pids();
      const writer = createAlertWriter(node.home);
      writer.write();
      await counted(node, writer);

      // An error file that is there already has room in its last block; the rest of the disk is gone.
      const ballast = join(mount, "ballast");
      fillUp(ballast);
      for (let line = 0; line < 5; line += 1) {
        try {
          writer.write();
        } catch {
          break; // even the error file has no room: nothing was written, nothing is owed
        }
      }
      await eventually(
        () =>
          /ENOSPC|no space|full/i.test(readFileSync(join(node?.home ?? "", "logs/castellan-worker.log"), "utf8")) ||
          null,
        { withinMs: 90_000 },
      ).catch(() => undefined); // with luck the reserve was enough and there was nothing to say
      expect(await node.pids()).toEqual(before);
      rmSync(ballast);
      await counted(node, writer);
      expect(await node.pids()).toEqual(before);
    });
  },
);
