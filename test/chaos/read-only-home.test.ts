/**
 * A home that cannot be written any more, not even through files that are open: what is wrong is said, nothing stops, the
 * pair stays, and what was accepted is there when the home can be written again. `disk-full.test.ts` has the full one.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { eventually, findProcesses, killAll } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAlertWriter } from "../harness/alert-writer.ts";
import { isOnFile } from "../harness/database.ts";
import { type DiskImage, diskImage, whyNoDiskImage } from "../harness/disk-image.ts";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

const why = whyNoDiskImage();

/** The node, its disk, and what the disk refuses; `open` is a file of the home that is open for writing. */
interface Place {
  readonly disk: DiskImage;
  readonly node: TestNode;
  readonly writer: ReturnType<typeof createAlertWriter>;
  readonly before: ReadonlyMap<string, number>;
  readonly open: number;
}

let place: Place | null = null;
const here = (): Place => {
  if (place === null) throw new Error("no node was made");
  return place;
};

async function makePlace(): Promise<void> {
  const disk = diskImage(96);
  try {
    const node = await makeNode({ types: LAYERS, at: disk.dir });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const writer = createAlertWriter(node.home);
    const open = openSync(node.path("logs/opened_before"), "a");
    place = { disk, node, writer, before: await node.pids(), open };
    for (let line = 0; line < 6; line += 1) writer.write();
    await counted(place);
  } catch (thrown) {
    if (place === null) disk.remove();
    throw thrown;
  }
}

const counted = ({ node, writer }: Place) =>
  eventually(
    async () => {
      const complaints = writer.complaints(await node.items("--all"));
      if (complaints.length > 0) throw new Error(complaints.join("; "));
    },
    { withinMs: 90_000, everyMs: 300, describe: "every line is counted once on one item a file" },
  );

/** Nothing new can be written, an order is refused with the reason, everything lives on. */
async function expectRefusal({ node, before, writer, open }: Place, code: string): Promise<void> {
  expect(() => writeSync(open, "x\n")).toThrow(code);
  expect(() => writer.write()).toThrow(code);
  // An order to stop needs nothing of the home when the schema is elsewhere.
  if (isOnFile()) {
    const refused = await node.cli("stop", "--timeout", "60");
    expect(refused.code).not.toBe(0);
    expect(said(refused)).toMatch(/read-?only|not permitted/i);
  }
  for (const pid of [...before.values(), node.part("worker"), node.part("watcher")]) {
    expect(pid !== null && lives(pid)).toBe(true);
  }
}

/** A worker cannot begin in such a home; the watcher outlives that and goes on trying. */
async function killWorker({ node }: Place): Promise<void> {
  const [worker, watcher] = [node.part("worker"), node.part("watcher")];
  process.kill(worker ?? Number.NaN, "SIGKILL");
  const tried = new Set<number>();
  await eventually(
    () => {
      for (const { pid, command } of findProcesses(node.home)) if (command.includes("castellan worker")) tried.add(pid);
      tried.delete(worker ?? 0);
      return tried.size >= 2;
    },
    { withinMs: 90_000, everyMs: 5, describe: "the watcher tries to start a worker, twice" },
  );
  expect(watcher !== null && lives(watcher)).toBe(true);
}

describe.skipIf(why !== null)(
  `a home on a disk of its own (skipped where there is no ext4 on a loop device, run as root: ${why})`,
  () => {
    beforeEach(makePlace);
    afterEach(async () => {
      const { disk, node, open } = here();
      try {
        closeSync(open);
        disk.setImmutable(node.home, false);
        await node.dispose();
      } finally {
        place = null;
        disk.remove();
      }
    });

    it("that refuses for a while: all goes on by itself afterwards, and nothing has stopped", async () => {
      const { disk, node, before, writer } = here();
      disk.setImmutable(node.home, true);
      await expectRefusal(here(), "EPERM");
      await killWorker(here());
      disk.setImmutable(node.home, false);
      for (let line = 0; line < 3; line += 1) writer.write();
      await counted(here());
      await node.awaitRunning();
      expect(await node.pids()).toEqual(before);
    });

    it("that the kernel has made read-only after an error: repaired and mounted again, it has all that was accepted", async () => {
      const { disk, node, writer, open } = here();
      for (let line = 0; line < 3; line += 1) writer.write();
      disk.sync(); // what is lost of the error files themselves nobody can count
      disk.fail();
      await expectRefusal(here(), "EROFS");
      await killWorker(here());
      // Nobody can repair it while somebody has files open in it: here the host goes down.
      await killAll(node.home);
      closeSync(open);
      await disk.repair();
      place = { ...here(), open: openSync(node.path("logs/opened_before"), "a") };
      const up = await node.up();
      expect(up.code, said(up)).toBe(0);
      writer.write();
      await counted(here());
      await node.awaitRunning();
    });
  },
);
