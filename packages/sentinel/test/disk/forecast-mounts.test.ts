import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addSample, type FreeSample, timeToFullMs } from "../../src/disk/forecast.ts";
import { missingMount, parseFstab, parseMountinfo } from "../../src/disk/mounts.ts";

const samples = (...free: number[]): readonly FreeSample[] =>
  free.reduce<readonly FreeSample[]>((all, amount, index) => addSample(all, { atMs: index * 5000, free: amount }), []);

test("a steady loss is extended to the end", () => {
  expect(timeToFullMs(samples(1000, 900, 800, 700))).toBe(35_000);
});

test("no trend from two samples, from growth, from standing still, or for a far future", () => {
  expect(timeToFullMs(samples(1000, 900))).toBeNull();
  expect(timeToFullMs(samples(700, 800, 900))).toBeNull();
  expect(timeToFullMs(samples(700, 700, 700))).toBeNull();
  expect(timeToFullMs(samples(1e12, 1e12 - 1, 1e12 - 2))).toBeNull();
});

test("the window is bounded and the forecast is never negative or infinite", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 300 }), (free) => {
      const window = samples(...free);
      expect(window.length).toBeLessThanOrEqual(120);
      const forecast = timeToFullMs(window);
      expect(forecast === null || (Number.isSafeInteger(forecast) && forecast >= 0)).toBe(true);
    }),
  );
});

const fstab =
  "# comment\nUUID=1 / ext4 defaults 0 1\n/dev/sdb /data ext4\n/dev/sdc /mnt/two\\040words xfs\nnone none swap\n\n";
const mountinfo = "22 1 8:1 / / rw - ext4 /dev/sda rw\n30 22 8:3 / /mnt/two\\040words rw shared:1 - xfs /dev/sdc rw\n";

test("knows a mount point of fstab that is not mounted, and what lies below it", () => {
  const wanted = parseFstab(fstab);
  const mounted = parseMountinfo(mountinfo);
  expect(wanted).toEqual(["/", "/data", "/mnt/two words"]);
  expect(missingMount("/data", wanted, mounted)).toBe("/data");
  expect(missingMount("/data/db", wanted, mounted)).toBe("/data");
  expect(missingMount("/database", wanted, mounted)).toBeNull();
  expect(missingMount("/mnt/two words/x", wanted, mounted)).toBeNull();
  expect(missingMount("/srv", wanted, mounted)).toBeNull();
});
