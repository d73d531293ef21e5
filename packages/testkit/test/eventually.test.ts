import { describe, expect, it } from "vitest";
import { eventually } from "../src/index.ts";

/** For what must fail; what must succeed has the whole default time. */
const quick = { withinMs: 40, everyMs: 1 };
const eager = { everyMs: 1 };

describe("eventually", () => {
  it("gives the first truthy value", async () => {
    const values = [null, false, 0, "", "found", "too late"];
    const found: string = String(await eventually(() => values.shift() ?? null, quick));
    expect(found).toBe("found");
  });

  it("takes a body of assertions for done once it does not throw", async () => {
    let looks = 0;
    await eventually(async () => {
      looks += 1;
      await Promise.resolve();
      expect(looks).toBe(3);
    }, eager);
    expect(looks).toBe(3);
  });

  it("says the last value, the description and the time on failure", async () => {
    const failure = eventually(() => false, { ...quick, describe: "the door opens" });
    await expect(failure).rejects.toThrow(/^the door opens: not within \d+ ms \(\d+ looks\); last value: false$/);
  });

  it("says the last error and keeps it as the cause", async () => {
    const wrong = new Error("still closed");
    const failure = eventually(() => {
      throw wrong;
    }, quick);
    await expect(failure).rejects.toMatchObject({ code: "EVENTUALLY_FAILED", cause: wrong });
    await expect(failure).rejects.toThrow(/last error: still closed/);
  });

  it("gives up on a probe that hangs", async () => {
    const failure = eventually(() => new Promise<boolean>(() => undefined), quick);
    await expect(failure).rejects.toThrow(/the first look never ended/);
  });

  it("refuses by type a probe that may find nothing", async () => {
    const names = ["zeus"];
    // @ts-expect-error `undefined` would count as success
    await eventually(() => names.find((name) => name === "hades"), eager);
    expect(await eventually(() => names.find((name) => name === "zeus") ?? null, eager)).toBe("zeus");
  });
});
