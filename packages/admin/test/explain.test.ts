import { NodeSpec } from "@castellan/protocol";
import { insert, update } from "@castellan/store";
import { beforeEach, describe, expect, it } from "vitest";
import { applySpec, explain, processWords, setAttribute } from "../src/index.ts";
import { type Fixture, twoServers } from "./node-fixture.ts";

const SPEC = {
  types: {
    STORE: { command: ["store"], layer: "foreground" },
    WEB: { command: ["web"], dependsOn: [{ type: "STORE", onRestart: "restart" }], ready: { tcp: 80 } },
  },
  servers: { master: { STORE: 1, WEB: 2 } },
};

let node: Fixture;
let server: string;
beforeEach(async () => {
  node = await twoServers();
  await applySpec(node.ctx, NodeSpec.parse(SPEC));
  const rows = await node.gateway.find("process_config");
  const cluster = await node.gateway.find("node_cluster");
  server = cluster.find((row) => row.logical_machine_id === rows[0]?.logical_machine_id)?.physical_machine_name ?? "";
});

const key = (type: string, instance: number) => ({
  logical_machine_id: 1,
  logical_process_name: type,
  logical_process_instance: instance,
});

async function set(type: string, instance: number, status: string, comment: string | null = null): Promise<void> {
  const since = node.ctx.clock.now();
  await node.gateway.commit([
    update("process_config", key(type, instance), {
      last_known_status: status,
      status_comment: comment,
      status_since: since,
    }),
  ]);
}

const died = (id: string, type: string, instance: number, agoMs: number) =>
  insert("process_event_log", {
    id,
    ...key(type, instance),
    process_id: 4711,
    process_status: 3003,
    process_status_comment: "ended with exit code 1",
    timestamp: new Date(node.ctx.clock.now().getTime() - agoMs),
    followed: true,
  });

async function reasonsOf(type: string, instance: number): Promise<string> {
  const { instances } = await explain(node.ctx, { type, server: null, instance });
  return instances[0]?.reasons.join("\n") ?? "nothing";
}

describe("an explanation", () => {
  it("says that a process was never started, and what does", async () => {
    expect(await reasonsOf("WEB", 1)).toContain(`it has never been started; \`castellan start ${server} WEB 1\` does`);
  });

  it("names what a process waits for", async () => {
    await set("STORE", 1, "SUSPENDED", "died 6 times within 120 s");
    await set("WEB", 1, "STARTING");
    expect(await reasonsOf("WEB", 1)).toContain(`but STORE 1 on ${server} is SUSPENDED`);
    const { dependencies, neededBy } = await explain(node.ctx, { type: "WEB", server: null, instance: null });
    expect(dependencies).toEqual([
      { type: "STORE", onRestart: "restart", ready: 0, enabled: 1, missing: [`STORE 1 on ${server} is SUSPENDED`] },
    ]);
    expect(neededBy).toEqual([]);
    expect((await explain(node.ctx, { type: "STORE", server: null, instance: null })).neededBy).toEqual(["WEB"]);
  });

  it("says of a process that was given up: why, where its output is, and how to try again", async () => {
    await set("WEB", 2, "SUSPENDED", "died 6 times within 120 s");
    const reasons = await reasonsOf("WEB", 2);
    expect(reasons).toContain("it was given up: died 6 times within 120 s");
    expect(reasons).toContain("logs/WEB_2.log");
    expect(reasons).toContain(`castellan restart ${server} WEB 2`);
  });

  it("counts the deaths in the window that the attributes say", async () => {
    await node.gateway.commit([died("a", "WEB", 1, 5_000), died("b", "WEB", 1, 50_000), died("c", "WEB", 2, 1000)]);
    const before = (await explain(node.ctx, { type: "WEB", server: null, instance: 1 })).instances[0];
    expect(before?.deaths).toEqual({ count: 2, withinSeconds: 120, most: 5 });
    expect(before?.events.map(({ what, pid }) => [what, pid])).toEqual([
      ["died", 4711],
      ["died", 4711],
    ]);
    await setAttribute(node.ctx, "PROCESS_MIN_RESTART_PERIOD", "20", {});
    const after = (await explain(node.ctx, { type: "WEB", server: null, instance: 1 })).instances[0];
    expect(after?.deaths).toEqual({ count: 1, withinSeconds: 20, most: 5 });
    expect(after?.attributes.find(({ name }) => name === "PROCESS_MIN_RESTART_PERIOD")?.from).not.toBeNull();
  });

  it("says that a process is disabled, or its server gone", async () => {
    await node.gateway.commit([
      update("process_config", key("WEB", 1), { enabled: false }),
      update("server_state", { logical_machine_id: 1 }, { state: "down" }),
    ]);
    const reasons = await reasonsOf("WEB", 1);
    expect(reasons).toContain("it is disabled");
    expect(reasons).toContain(`server ${server} is down`);
  });

  it("explains a definition that cannot be read", async () => {
    await node.gateway.commit([
      update("process_type", { logical_process_name: "WEB" }, { definition: '{"command": "web"}' }),
    ]);
    const { definition, problem } = await explain(node.ctx, { type: "WEB", server: null, instance: null });
    expect(definition).toBeNull();
    expect(problem).toMatch(/WEB.*command/);
  });

  it.each([
    [{ type: "WEP", server: null, instance: null }, "UNKNOWN_TYPE", /did you mean WEB\?/],
    [{ type: "WEB", server: "nowhere", instance: null }, "UNKNOWN_SERVER", /no server "nowhere"/],
    [{ type: "WEB", server: null, instance: 9 }, "UNKNOWN_INSTANCE", /no WEB 9; defined: .*WEB 1.*WEB 2/],
  ])("refuses %j with %s", async (query, code, message) => {
    await expect(explain(node.ctx, query)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe("the words of a question", () => {
  it.each([
    [["web"], { server: null, type: "web", instance: null }],
    [["WEB", "2"], { server: null, type: "WEB", instance: 2 }],
    [["Hades", "web"], { server: "Hades", type: "web", instance: null }],
    [["hades", "WEB", "2"], { server: "hades", type: "WEB", instance: 2 }],
  ])("%j", (words, query) => {
    expect(processWords(words)).toEqual(query);
  });

  it.each([[["WEB", "0"]], [["hades", "WEB", "1", "2"]], [["hades", "WEB", "two"]], [["hades", "WEB", "100000"]]])(
    "%j is a mistake",
    (words) => {
      expect(() => processWords(words)).toThrow(expect.objectContaining({ code: "USAGE" }));
    },
  );
});
