/** The event self-test, on a bus that may lose what it is given. */
import { createManualClock } from "@castellan/actor/testing";
import { describe, expect, it } from "vitest";
import { type LoopbackBus, testEvents } from "../../src/role/loopback.ts";

type Fate = "comes back" | "is lost" | "comes late" | "is another's" | "throws" | "is not permitted";

function world(fate: Fate) {
  const clock = createManualClock();
  let subscriptions = 0;
  let hear: ((body: Uint8Array) => void) | null = null;
  const bus: LoopbackBus = {
    subscribe(_subject, heard, failed) {
      subscriptions += 1;
      if (fate === "is not permitted") queueMicrotask(() => failed(new Error("permissions violation")));
      hear = heard;
      return {
        close: () => {
          subscriptions -= 1;
        },
      };
    },
    publish(_subject, body) {
      if (fate === "throws") throw new Error("the connection is closed");
      if (fate === "comes back") clock.after(20, () => hear?.(body));
      if (fate === "comes late") clock.after(5000, () => hear?.(body));
      if (fate === "is another's") clock.after(20, () => hear?.(new TextEncoder().encode("other")));
    },
  };
  const test = testEvents({ bus, subject: "castellan.x.sys.loopback.hades", clock, newId: () => "mine" });
  test.catch(() => undefined);
  return { clock, test, open: () => subscriptions };
}

describe("the event self-test", () => {
  it("says how long it took", async () => {
    const { clock, test, open } = world("comes back");
    await clock.run(100);
    expect(await test).toBe(20);
    expect(open()).toBe(0);
  });

  it.each(["is lost", "comes late", "is another's", "throws", "is not permitted"] as const)(
    "a message that %s is a refusal that names the subject and what to look at; nothing is left open",
    async (fate) => {
      const { clock, test, open } = world(fate);
      await clock.run(6000);
      await expect(test).rejects.toMatchObject({ code: "EVENTS_FAIL", retryable: true });
      await expect(test).rejects.toThrow(/castellan\.x\.sys\.loopback\.hades.*nothing was started or stopped.*NATS/s);
      expect(open()).toBe(0);
    },
  );
});
