/** Ids are made by the application: UUID version 7 (RFC 9562), so they sort by the time they were made. */
import type { Clock } from "./clock.ts";
import type { Rng } from "./rng.ts";

/** Makes a new id, 36 characters, lower case. */
export type IdSource = () => string;

export function createIdSource(clock: Pick<Clock, "now">, rng: Pick<Rng, "bytes">): IdSource {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const ms = clock.now().getTime();
    if (ms > lastMs) {
      lastMs = ms;
      counter = 0;
    } else {
      // Same millisecond, or the wall clock went back: stay on the last time and count, so order holds.
      counter += 1;
      if (counter > 0xfff) {
        lastMs += 1;
        counter = 0;
      }
    }
    const random = rng.bytes(8);
    random[0] = ((random[0] ?? 0) & 0x3f) | 0x80;
    const time = lastMs.toString(16).padStart(12, "0");
    const tail = Buffer.from(random).toString("hex");
    const version = `7${counter.toString(16).padStart(3, "0")}`;
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };
}
