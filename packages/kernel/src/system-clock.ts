/** The clock of the host. The only file that reads real time. */
import { uptime } from "node:os";
import type { Clock, Timer } from "./clock.ts";

/** Monotonic, milliseconds. A third of the price of `process.hrtime.bigint`: every ask reads it. */
const nowMs = (): number => performance.now();

/** A step between the two clocks larger than this is a suspend, not the 10 ms grain of the boot-time clock. */
const SUSPEND_MS = 50;
/** How long the cheap clock is trusted before the boot-time clock (a file read) is asked again, milliseconds. */
const RESYNC_MS = 1000;

/**
 * Node offers the boot-time clock with a grain of 10 ms (`os.uptime`) and the monotonic clock, which stops in suspend,
 * with a fine one. This clock runs on the fine one and follows the other when they step apart.
 */
export function createSystemClock(): Clock {
  let offset = uptime() * 1000 - nowMs();
  let syncedAt = nowMs();
  return {
    now: () => new Date(),
    bootMs() {
      const fine = nowMs();
      if (fine - syncedAt >= RESYNC_MS) {
        syncedAt = fine;
        const measured = uptime() * 1000 - fine;
        if (Math.abs(measured - offset) > SUSPEND_MS) offset = measured;
      }
      return fine + offset;
    },
    after(delayMs, fire): Timer {
      const handle = setTimeout(fire, Math.min(Math.max(0, delayMs), 0x7fff_ffff));
      return { cancel: () => clearTimeout(handle) };
    },
  };
}
