/** The program against a home with a real database and a real bus; the master is played by the test. */
import { mkdir, writeFile } from "node:fs/promises";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { CommandRequest, StatusReport } from "@castellan/protocol";
import { bootstrapNode, type Gateway, insert, update } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { type NatsServer, natsServer, type TempHome, tempHome } from "@castellan/testkit";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../src/index.ts";
import { fakeIo } from "./fixture.ts";

let home: TempHome;
let server: NatsServer;
let master: NatsConnection;
let gateway: Gateway;
const clock = createSystemClock();
const newId = createIdSource(clock, systemRng);

beforeAll(async () => {
  home = await tempHome();
  server = await natsServer();
  master = await connect({ servers: server.url });
  for (const dir of ["data", "run"]) await mkdir(home.path(dir));
  const url = `sqlite:${home.path("data/castellan.db")}`;
  gateway = await openGateway({ url, clock, rng: systemRng, logger: silentLogger, migrate: "always" });
  const { serverId } = await bootstrapNode(gateway, { node: "castellan", dirName: home.dir, server: "hades", clock });
  const now = clock.now();
  await gateway.commit([
    update("node_state", { id: 1 }, { master_id: serverId, epoch: 1, state: "RUNNING" }),
    insert("sentinel", {
      logical_machine_id: serverId,
      incarnation: 1,
      nonce: "n",
      started_at: now,
      last_seen_at: now,
      ended_at: null,
    }),
  ]);
  const endpoints = { node: "castellan", server: "hades", natsUrl: server.url, databaseUrl: url, consoleUrl: null };
  await writeFile(home.path("run/endpoints.json"), JSON.stringify(endpoints));
});
afterAll(async () => {
  await gateway.close();
  await master.close();
  await server.stop();
  await home.remove();
});

async function castellan(...args: string[]) {
  const io = fakeIo({ cwd: home.dir, env: { CASTELLAN_HOME: home.dir } });
  return { code: await main(args, io), stdout: io.stdout(), stderr: io.stderr() };
}

/** Answers commands as a conductor does: journals an operation whose steps are done. */
function playMaster(): { requests: CommandRequest[]; stop(): void } {
  const requests: CommandRequest[] = [];
  const answer = async (body: Uint8Array): Promise<string> => {
    const request = CommandRequest.parse(JSON.parse(new TextDecoder().decode(body)));
    requests.push(request);
    const id = newId();
    const now = clock.now();
    await gateway.commit([
      insert("operation", {
        id,
        request_id: request.requestId,
        verb: "start",
        target: JSON.stringify(request.target),
        options: "{}",
        requested_by: request.by,
        state: "done",
        result_text: null,
        epoch: 1,
        created_at: now,
        finished_at: now,
      }),
    ]);
    return JSON.stringify({ operationId: id });
  };
  const subscription = master.subscribe("castellan.castellan.cmd.*", {
    callback: (_error, message) => {
      answer(message.data).then(
        (reply) => message.respond(reply),
        (thrown: unknown) => message.respond(String(thrown)),
      );
    },
  });
  return { requests, stop: () => subscription.unsubscribe() };
}

describe("castellan in a living home", () => {
  it("applies a spec and shows it, with the bus there", async () => {
    await writeFile(home.path("types.yaml"), "types:\n  WEB: { command: [web] }\nservers:\n  hades: { WEB: 2 }\n");
    const applied = await castellan("apply", "types.yaml");
    expect(applied).toMatchObject({ code: 0, stderr: "" });
    expect(applied.stdout).toMatch(/^\+ type WEB\n\+ hades WEB 1\n\+ hades WEB 2\n/);
    const { code, stdout } = await castellan("status", "--json");
    expect(code).toBe(0);
    expect(StatusReport.parse(JSON.parse(stdout))).toMatchObject({ stale: false, master: "hades" });
    expect(await castellan("apply", "types.yaml")).toMatchObject({ code: 0, stdout: "nothing to change\n" });
  });

  it("asks the master, under the name that was given", async () => {
    const played = playMaster();
    await master.flush();
    const { code, stdout, stderr } = await castellan("start", "hades", "--as", "bob");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("start done (there was nothing to do)\n");
    expect(played.requests).toMatchObject([{ target: { server: "hades" }, by: "bob" }]);
    played.stop();
    await master.flush();
    expect((await gateway.find("audit_log", { where: { by_user: "bob" } })).map((row) => row.what)).toEqual([
      "operation.start",
    ]);
  });

  it("says with 3 that no master answers, within its time", async () => {
    const { code, stderr } = await castellan("stop", "--timeout", "1");
    expect(code).toBe(3);
    expect(stderr).toContain("castellan: no master of this node answers\n");
  });

  it("still reads when the bus is down, and says so", async () => {
    await server.kill9();
    const { code, stdout } = await castellan("status", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ stale: true, servers: [{ processes: [{}, {}] }] });
    expect(await castellan("workitem", "list")).toMatchObject({ code: 0, stdout: "no work items\n" });
    expect((await castellan("workitem", "release", "1")).code).toBe(3);
    await server.restart();
  });
});
