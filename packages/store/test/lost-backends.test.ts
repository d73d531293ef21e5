import { describe, expect, it } from "vitest";
import { type Asking, createLostBackends } from "../src/typeorm/lost-backends.ts";

/** A server whose standby is away or there, and which ends what it is told to. */
function serverWith(standby: { isAway: boolean }) {
  const ended: number[][] = [];
  const marks: boolean[] = [];
  let next = 100;
  const connection = (): Asking & { readonly processID: number } => {
    next += 1;
    return {
      processID: next,
      async query(_sql, params) {
        const [pids] = params;
        if (Array.isArray(pids)) ended.push(pids);
        else {
          marks.push(!standby.isAway);
          if (standby.isAway) throw new Error("canceling statement due to statement timeout");
        }
        return { rows: [] };
      },
    };
  };
  return { ended, marks, connection };
}

describe("commits that were lost sight of while the standby is away", () => {
  it("keep what is read waiting until it is back, and what is kept of them does not grow", async () => {
    const standby = { isAway: true };
    const server = serverWith(standby);
    const lost = createLostBackends("castellan");
    lost.add(server.connection());
    for (let attempt = 0; attempt < 50; attempt += 1) {
      await expect(lost.settle(server.connection())).rejects.toThrow("statement timeout");
    }
    expect(Math.max(...server.ended.map((pids) => pids.length))).toBe(1);
    standby.isAway = false;
    await lost.settle(server.connection());
    expect(server.marks.at(-1)).toBe(true);
    const asked = server.marks.length + server.ended.length;
    await lost.settle(server.connection());
    expect(server.marks.length + server.ended.length).toBe(asked);
  });

  it("are waited for by each who asks: none reads because another one is just asking", async () => {
    const standby = { isAway: true };
    const server = serverWith(standby);
    const lost = createLostBackends("castellan");
    lost.add(server.connection());
    const both = await Promise.allSettled([lost.settle(server.connection()), lost.settle(server.connection())]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
