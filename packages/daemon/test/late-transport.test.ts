import { createMemoryHub } from "@castellan/actor";
import { createSystemClock } from "@castellan/kernel";
import { describe, expect, it } from "vitest";
import { createLateTransport } from "../src/bus/late-transport.ts";

const body = new TextEncoder().encode("{}");
const address = { host: "hades", actor: "outbox", key: "-" };

describe("a transport before there is a bus", () => {
  it("refuses what cannot leave and serves everything once the bus is there", async () => {
    const late = createLateTransport("hades");
    const heard: string[] = [];
    late.serve(address, (verb, _body, _headers, reply) => {
      heard.push(verb);
      reply?.(body, {});
    });
    const gone = late.serve({ ...address, key: "gone" }, () => heard.push("gone"));
    gone.close();
    expect(late.up).toBe(false);
    expect(() => late.send(address, "confirm", body, {})).toThrow(/link is down/);
    await expect(late.request(address, "confirm", body, {}, 100)).rejects.toMatchObject({ code: "LINK_DOWN" });

    const changes: boolean[] = [];
    late.onLink((up) => changes.push(up));
    const hub = createMemoryHub(createSystemClock());
    late.arrive(hub.connect("hades"));
    expect(late.up).toBe(true);
    expect(changes).toEqual([true]);
    const other = hub.connect("zeus");
    await other.request(address, "confirm", body, {}, 1000);
    expect(heard).toEqual(["confirm"]);
    await expect(other.request({ ...address, key: "gone" }, "x", body, {}, 1000)).rejects.toMatchObject({
      code: "NOT_REACHABLE",
    });
    await late.close(100);
  });
});
