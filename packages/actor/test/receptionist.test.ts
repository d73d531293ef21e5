import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type ActorSystem, type CommandOf, createMemoryHub, type Listing, receive, stopped } from "../src/index.ts";
import { createManualClock } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

const Printer = {
  actor: "printer",
  messages: {
    GetName: { request: z.object({}), reply: z.object({ name: z.string() }) },
    Quit: { request: z.object({}) },
  },
} as const;

const systems: ActorSystem[] = [];
afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => system.stop(0)));
});

function createNetwork() {
  const clock = createManualClock();
  const hub = createMemoryHub(clock);
  const join = (host: string): ActorSystem => {
    const { system } = createWorld({ clock, host, transport: hub.connect(host) });
    systems.push(system);
    return system;
  };
  return { clock, hub, join };
}

const offer = (system: ActorSystem, key: string) => {
  const ref = system.spawn(
    receive<CommandOf<typeof Printer>>({
      GetName: (_message, replyTo) => replyTo.success({ name: `${system.host} ${key}` }),
      Quit: () => stopped(),
    }),
    `printer-${key}`,
  );
  return { ref, exposure: system.expose(Printer, key, ref, { listed: true }) };
};

const follow = (system: ActorSystem): { paths: string[][]; end: () => void } => {
  const paths: string[][] = [];
  const end = system.receptionist.subscribe(Printer, (listing: Listing<typeof Printer>) =>
    paths.push([...listing.keys()]),
  );
  return { paths, end };
};

test("actors are found by protocol on all systems, whoever came first, and can be asked", async () => {
  const { clock, join } = createNetwork();
  const [hades, zeus, hera] = ["hades", "zeus", "hera"].map(join);
  if (hades === undefined || zeus === undefined || hera === undefined) throw new Error("three systems");
  offer(zeus, "one");
  await clock.run(100);
  const found = hades.receptionist.find(Printer, { withinMs: 1000 });
  await clock.run(100);
  expect([...(await found).keys()]).toEqual(["zeus/printer/one"]);
  const { paths } = follow(hades);
  offer(hera, "two");
  offer(hades, "three"); // its own too
  await clock.run(100);
  expect(paths.at(-1)).toEqual(["hades/printer/three", "hera/printer/two", "zeus/printer/one"]);
  const answers = [...(await hades.receptionist.find(Printer, { withinMs: 0 })).values()].map((ref) =>
    ref.ask({ type: "GetName" }, { timeoutMs: 1000 }),
  );
  await clock.run(50);
  expect((await Promise.all(answers)).map(({ name }) => name)).toContain("zeus one");
});

test("an actor that ends, is no longer exposed, or whose system stops leaves the listing at once", async () => {
  const { clock, join } = createNetwork();
  const [hades, zeus, hera] = ["hades", "zeus", "hera"].map(join);
  if (hades === undefined || zeus === undefined || hera === undefined) throw new Error("three systems");
  const { paths } = follow(hades);
  const one = offer(zeus, "one");
  const two = offer(zeus, "two");
  offer(hera, "three");
  await clock.run(100);
  expect(paths.at(-1)).toHaveLength(3);
  one.ref.tell({ type: "Quit" });
  await clock.run(100);
  expect(paths.at(-1)).toEqual(["hera/printer/three", "zeus/printer/two"]);
  two.exposure.close();
  await clock.run(100);
  expect(paths.at(-1)).toEqual(["hera/printer/three"]);
  await hera.stop(100);
  await clock.run(100);
  expect(paths.at(-1)).toEqual([]);
});

test("silence ends a listing only while the own link is up", async () => {
  const { clock, hub, join } = createNetwork();
  const hades = join("hades");
  offer(join("zeus"), "one");
  const { paths } = follow(hades);
  await clock.run(100);
  hub.setLink("hades", false);
  await clock.run(60_000);
  hub.setLink("hades", true);
  await clock.run(100);
  expect(paths).toEqual([[], ["zeus/printer/one"]]);
  hub.setLink("zeus", false);
  await clock.run(14_000);
  expect(paths).toHaveLength(2);
  await clock.run(10_000);
  expect(paths.at(-1)).toEqual([]);
  hub.setLink("zeus", true);
  await clock.run(100);
  expect(paths.at(-1)).toEqual(["zeus/printer/one"]);
});

test("who seeks nothing hears nothing, who offers nothing says nothing, and n systems say n messages a period", async () => {
  const { clock, hub, join } = createNetwork();
  const said: string[] = [];
  const heard = new Map<string, number>();
  hub.drop = (from, to) => {
    said.push(`${from} ${to.actor}`);
    return false;
  };
  const all = Array.from({ length: 30 }, (_, n) => join(`host-${n}`));
  const [seeker] = all;
  if (seeker === undefined) throw new Error("thirty systems");
  seeker.receptionist.subscribe(Printer, () => heard.set("seeker", (heard.get("seeker") ?? 0) + 1));
  for (const system of all.slice(10)) offer(system, "x");
  await clock.run(1000);
  said.length = 0;
  await clock.run(5000);
  expect(said).toHaveLength(20);
  expect(new Set(said).size).toBe(20);
});

test("what cannot be read is ignored, and nothing is found within the time", async () => {
  const { clock, hub, join } = createNetwork();
  const hades = join("hades");
  const found = hades.receptionist.find(Printer, { withinMs: 200 });
  const stranger = hub.connect("stranger");
  const address = { host: "_all", actor: "listings", key: "printer" };
  for (const text of ["", "{", "[]", '{"host":"x","system":"y","keys":["Not A Key"]}', '{"host":1}']) {
    stranger.send(address, "_listed", new TextEncoder().encode(text), {});
  }
  await clock.run(300);
  expect((await found).size).toBe(0);
});
