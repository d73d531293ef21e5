/** The conductor and the runner over a real database file and the real clock, with a plan of some size. */
import { createActorSystem } from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { bootstrapNode, insert, newInstance, writeDefinition } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { eventually, tempHome } from "@castellan/testkit";
import { expect, it } from "vitest";
import { createConductor } from "../../src/operation/conductor.ts";
import { createStepRunner } from "../../src/operation/step-runner.ts";
import { takeIncarnation } from "../../src/role/incarnation.ts";
import { takeOver } from "../../src/role/mastership.ts";
import { must, typeOf } from "./views.ts";

const TYPES = ["A", "B", "C", "D"];
const PER_TYPE = 50;

it("carries a plan of 200 instances through a database file", async () => {
  const home = await tempHome();
  const clock = createSystemClock();
  const newId = createIdSource(clock, systemRng);
  const common = { clock, rng: systemRng, logger: silentLogger };
  const gateway = await openGateway({ url: `sqlite:${home.path("node.db")}`, migrate: "ifEmpty", ...common });
  const system = createActorSystem({ host: "hades", newId, ...common });
  try {
    const { serverId } = await bootstrapNode(gateway, { node: "ips1", dirName: home.dir, server: "hades", clock });
    await gateway.commit(
      TYPES.map((type, at) => {
        const definition = writeDefinition(typeOf({ dependsOn: TYPES.slice(Math.max(0, at - 1), at) }));
        return insert("process_type", { logical_process_name: type, definition, row_version: 1 });
      }),
    );
    await gateway.commit(
      TYPES.flatMap((type) =>
        Array.from({ length: PER_TYPE }, (_, at) =>
          insert("process_config", newInstance({ serverId, type, instance: at + 1 })),
        ),
      ),
    );
    const incarnation = await takeIncarnation(gateway, {
      serverId,
      nonce: newId(),
      program: "0.2.0",
      now: clock.now(),
    });
    const taken = await takeOver(gateway, { serverId, nonce: newId(), now: clock.now() });
    const brought: string[] = [];
    const conductor = system.spawn(
      createConductor({
        grantsOver: async () => false,
        handBack: () => undefined,
        gateway,
        epoch: taken.epoch,
        events: { publish: () => undefined },
        wake: () => runner.tell({ type: "Wake" }),
        onDeposed: () => undefined,
      }),
      "conductor",
    );
    const runner = system.spawn(
      createStepRunner({
        gateway,
        serverId,
        incarnation,
        bring: async ({ type, instance }) => {
          brought.push(`${type} ${instance}`);
          return { status: "RUNNING", comment: "started" };
        },
        deadlineOf: () => 60_000,
        recorded: async () => undefined,
        finished: (operationId) => conductor.tell({ type: "StepFinished", operationId }),
        onSuperseded: () => undefined,
      }),
      "runner",
    );
    const { operationId } = await conductor.ask(
      { type: "Submit", verb: "start", command: { requestId: "r1", target: {}, by: "ann", options: {} } },
      { timeoutMs: 60_000 },
    );
    const operation = await eventually(async () => {
      const row = must((await gateway.find("operation", { where: { id: operationId } }))[0]);
      return row.state === "open" ? null : row;
    });
    expect(operation).toMatchObject({ state: "done", result_text: "200 done" });
    expect(brought).toHaveLength(200);
    const types = brought.map((label) => label[0]);
    expect(types).toEqual([...types].sort());
  } finally {
    await system.stop(30_000);
    await gateway.close();
    await home.remove();
  }
});
