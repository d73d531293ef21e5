import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "../src/cell/mailbox.ts";

test("the ring behaves as a bounded list does", () => {
  const step = fc.oneof(fc.constant("take"), fc.constant("offer"), fc.constant("force"));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 300 }), (capacity, steps) => {
      const mailbox = new Mailbox<number>({ capacity });
      const model: number[] = [];
      let serial = 0;
      for (const kind of steps) {
        if (kind === "take") {
          const expected = model.shift();
          const taken = mailbox.take();
          expect(taken?.type).toBe(expected === undefined ? undefined : `m${expected}`);
          if (expected !== undefined) expect(mailbox.tag).toBe(expected % 3 === 0 ? expected : undefined);
        } else {
          serial += 1;
          const message = { type: `m${serial}` };
          const tag = serial % 3 === 0 ? serial : undefined;
          const fits = kind === "force" || model.length < capacity;
          if (kind === "force") mailbox.force(message, tag);
          else expect(mailbox.offer(message, tag)).toBe(fits);
          if (fits) model.push(serial);
        }
        expect(mailbox.size).toBe(model.length);
      }
    }),
  );
});
