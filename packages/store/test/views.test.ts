import { type ProcessType, ProcessType as ProcessTypeSchema } from "@castellan/protocol";
import {
  attributeOf,
  bootstrapNode,
  type Gateway,
  insert,
  numberAttribute,
  type Row,
  readDefinition,
  readNodeView,
  update,
  writeDefinition,
} from "@castellan/store";
import { createMemoryDatabase, createMemoryGateway } from "@castellan/store/memory";
import { describe, expect, it } from "vitest";

const NOW = new Date("2026-11-22T12:00:00.000Z");
const clock = { now: () => NOW };
const ips1 = (server: string, node = "ips1") => ({ node, dirName: "/srv/castellan", server, clock });

const attribute = (
  [logical_machine_id, logical_process_name, logical_process_instance]: [number, string, number],
  attribute_name: string,
  attribute_value: string,
): Row<"process_attributes"> => ({
  logical_machine_id,
  logical_process_name,
  logical_process_instance,
  attribute_name,
  attribute_value,
  attribute_type: "S",
});

const maxRestarts = (value: string) => [attribute([0, "ALL", 0], "PROCESS_MAX_RESTARTS", value)];

describe("attributes", () => {
  const everyPlace: [number, string, number][] = [
    [0, "ALL", 0],
    [1, "ALL", 0],
    [0, "WIS", 0],
    [1, "WIS", 0],
    [0, "ALL", 2],
    [1, "ALL", 2],
    [0, "WIS", 2],
    [1, "WIS", 2],
  ];

  it("hold where they are most specific: instance, then type, then server, then node", () => {
    for (let count = 1; count <= everyPlace.length; count += 1) {
      const rows = everyPlace.slice(0, count).map((place, rank) => attribute(place, "DEBUG", String(rank)));
      // Whatever the order of the rows.
      for (const list of [rows, rows.toReversed()]) {
        expect(attributeOf(list, { machineId: 1, process: "WIS", instance: 2 }, "DEBUG")).toBe(String(count - 1));
      }
    }
  });

  it("hold nowhere else", () => {
    const place = { machineId: 1, process: "WIS", instance: 2 };
    const elsewhere = [
      attribute([2, "ALL", 0], "DEBUG", "x"),
      attribute([0, "BG", 0], "DEBUG", "x"),
      attribute([0, "ALL", 3], "DEBUG", "x"),
      attribute([0, "ALL", 0], "OTHER", "x"),
    ];
    expect(attributeOf(elsewhere, place, "DEBUG")).toBeUndefined();
    const node = { machineId: 0, process: "ALL", instance: 0 };
    expect(attributeOf([attribute([1, "ALL", 0], "DEBUG", "x")], node, "DEBUG")).toBeUndefined();
  });

  it("compare names without case", () => {
    const rows = [attribute([0, "wis", 0], "Debug", "on")];
    expect(attributeOf(rows, { machineId: 1, process: "Wis", instance: 1 }, "dEBUG")).toBe("on");
  });

  it("give numbers, with the documented defaults", () => {
    const place = { machineId: 1, process: "WIS", instance: 1 };
    expect(numberAttribute([], place, "PROCESS_MAX_RESTARTS")).toBe(5);
    expect(numberAttribute([], place, "MINFREEKB")).toBe(10_000);
    expect(numberAttribute(maxRestarts("0"), place, "PROCESS_MAX_RESTARTS")).toBe(0);
    expect(numberAttribute(maxRestarts(" 7 "), place, "PROCESS_MAX_RESTARTS")).toBe(7);
    expect(numberAttribute(maxRestarts("many"), place, "PROCESS_MAX_RESTARTS")).toBe(5);
    expect(numberAttribute(maxRestarts(" "), place, "PROCESS_MAX_RESTARTS")).toBe(5);
    expect(numberAttribute([], place, "ISOLATION_STOP_PERIOD", 20)).toBe(20);
  });
});

describe("a definition", () => {
  const type: ProcessType = ProcessTypeSchema.parse({
    command: ["node", "server.mjs"],
    layer: "foreground",
    dependsOn: ["wqs", { type: "BG", onRestart: "wait" }],
    ready: { tcp: 9100, timeout: "2m" },
    stop: { grace: "250ms" },
  });

  it("comes back as it was written", () => {
    expect(readDefinition(writeDefinition(type))).toEqual({ type });
  });

  it("may be written by hand", () => {
    const read = readDefinition('{"command":["sleep","60"],"stop":{"grace":"2s"}}');
    expect(read).toMatchObject({ type: { command: ["sleep", "60"], stop: { grace: 2000, signal: "SIGTERM" } } });
  });

  it.each([
    ["text that is no JSON", "{", /JSON/],
    ["no command", "{}", /command/],
    ["an unknown key", '{"command":["x"],"colour":1}', /colour/],
    ["a duration without a unit", '{"command":["x"],"stop":{"grace":"5"}}', /grace/],
  ])("has a problem with %s", (_what, text, problem) => {
    expect(readDefinition(text)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

describe("the bootstrap of a node", () => {
  it("makes what is absent, and does nothing the second time", async () => {
    const gateway = createMemoryGateway();
    expect(await bootstrapNode(gateway, ips1("hades"))).toEqual({ serverId: 1 });
    await gateway.commit([
      update("node_state", {}, { epoch: 5, state: "RUNNING" }),
      update("server_state", {}, { state: "up" }),
      update("node_cluster", {}, { check_error_files: false }),
    ]);
    expect(await bootstrapNode(gateway, ips1("hades", "IPS1"))).toEqual({ serverId: 1 });
    expect(await bootstrapNode(gateway, ips1("zeus"))).toEqual({ serverId: 2 });
    expect(await readNodeView(gateway)).toMatchObject({
      node: "ips1",
      state: "RUNNING",
      epoch: 5,
      masterId: null,
      servers: [
        { id: 1, name: "hades", state: "up", checkErrorFiles: false, lastSeen: null, incarnation: null },
        { id: 2, name: "zeus", state: "down", checkErrorFiles: true },
      ],
      problems: [],
    });
  });

  it("gives every server its own id when all come at once", async () => {
    const database = createMemoryDatabase();
    const names = Array.from({ length: 12 }, (_, at) => `server-${at}`);
    const ids = await Promise.all(
      [...names, ...names].map((name) => bootstrapNode(createMemoryGateway(database), ips1(name))),
    );
    const byName = ids.slice(0, names.length);
    expect(new Set(byName.map(({ serverId }) => serverId)).size).toBe(names.length);
    expect(ids.slice(names.length)).toEqual(byName);
  });

  it("refuses the schema of another node", async () => {
    const gateway = createMemoryGateway();
    await bootstrapNode(gateway, ips1("hades"));
    await expect(bootstrapNode(gateway, ips1("zeus", "ips2"))).rejects.toMatchObject({ code: "NODE_MISMATCH" });
    expect(await gateway.find("node_cluster")).toHaveLength(1);
  });
});

const config = (machine: number, type: string, over: Partial<Row<"process_config">> = {}): Row<"process_config"> => ({
  logical_machine_id: machine,
  logical_process_name: type,
  logical_process_instance: 1,
  enabled: true,
  persistent: true,
  last_known_status: "RUNNING",
  status_comment: null,
  held: false,
  status_since: NOW,
  restarts: 3,
  incarnation: 1,
  ...over,
});

async function node(): Promise<Gateway> {
  const gateway = createMemoryGateway();
  await bootstrapNode(gateway, ips1("hades"));
  return gateway;
}

describe("the view of a node", () => {
  it("is refused where no node is", async () => {
    await expect(readNodeView(createMemoryGateway())).rejects.toMatchObject({ code: "NODE_MISSING" });
  });

  it("joins instances with their server and their process", async () => {
    const gateway = await node();
    await gateway.commit([
      insert("process_config", config(1, "WIS")),
      insert("process_config", config(1, "BG", { last_known_status: "SHUTTING DOWN", status_comment: "since noon" })),
      insert("running_processes", {
        logical_machine_id: 1,
        logical_process_name: "WIS",
        logical_process_instance: 1,
        process_id: 4711,
        port_number: 0,
      }),
      insert("sentinel", {
        logical_machine_id: 1,
        incarnation: 9,
        nonce: "n",
        started_at: NOW,
        last_seen_at: NOW,
        ended_at: null,
      }),
    ]);
    const view = await readNodeView(gateway);
    expect(view.servers).toMatchObject([{ lastSeen: NOW, incarnation: 9 }]);
    expect(view.instances).toEqual([
      {
        serverId: 1,
        server: "hades",
        type: "BG",
        instance: 1,
        enabled: true,
        persistent: true,
        status: "SHUTTING DOWN",
        comment: "since noon",
        since: NOW,
        restarts: 3,
        pid: null,
        held: false,
      },
      expect.objectContaining({ type: "WIS", status: "RUNNING", pid: 4711 }),
    ]);
  });

  it("names what it cannot read and shows the rest", async () => {
    const gateway = await node();
    await gateway.commit([
      insert("process_type", { logical_process_name: "BAD", definition: "[]", row_version: 1 }),
      insert("process_type", { logical_process_name: "GOOD", definition: '{"command":["x"]}', row_version: 1 }),
      insert("process_config", config(1, "WIS", { last_known_status: "running" })),
      insert("process_config", config(7, "WIS")),
      update("node_state", {}, { state: "dancing" }),
    ]);
    const view = await readNodeView(gateway);
    expect([...view.types.keys()]).toEqual(["GOOD"]);
    expect(view.state).toBe("STOPPED");
    expect(view.instances.map(({ server, status }) => [server, status])).toEqual([
      ["hades", "STOPPED"],
      ["#7", "RUNNING"],
    ]);
    expect(view.problems).toHaveLength(4);
    expect(view.problems.join("\n")).toMatch(/"running".*\n.*server 7.*\n.*"dancing".*\n.*BAD/);
  });
});
