/**
 * A server whose worker can be killed between any two things it does: the database and the processes outlive it, the actors
 * do not. Every kill leaves the dead worker without any further effect, as SIGKILL does.
 */
import { type ActorRef, type ActorSystem, createActorSystem } from "@castellan/actor";
import { createManualClock, type ManualClock } from "@castellan/actor/testing";
import { CastellanError, createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import type { CommandVerb, DesiredState, ProcessStatus, Target } from "@castellan/protocol";
import { bootstrapNode, type Gateway, insert, newInstance, type Row, update, writeDefinition } from "@castellan/store";
import { createMemoryDatabase, createMemoryGateway, type MemoryDatabase } from "@castellan/store/memory";
import { z } from "zod";
import { type ConductorCommand, createConductor } from "../../src/operation/conductor.ts";
import { createStepRunner, type StepRunnerCommand, type StepToPerform } from "../../src/operation/step-runner.ts";
import { takeIncarnation } from "../../src/role/incarnation.ts";
import { takeOver } from "../../src/role/mastership.ts";
import { must, type Traits, typeOf } from "./views.ts";

const Published = z.object({ state: z.string(), previous: z.string(), epoch: z.int() });
export type Published = z.infer<typeof Published>;

interface Process {
  status: ProcessStatus;
  launchId: string | null;
  /** Number of the latest order: an earlier one under way gives up. */
  order: number;
}

/** One life of a worker. */
export interface Worker {
  readonly conductor: ActorRef<ConductorCommand>;
  readonly runner: ActorRef<StepRunnerCommand>;
  readonly epoch: number;
  readonly incarnation: number;
  readonly gateway: Gateway;
  deposed: number;
  superseded: number;
  dead: boolean;
}

export interface WorldOptions {
  readonly types: Record<string, Traits>;
  readonly counts: Record<string, number>;
  /** How long a process takes to do as it is told, milliseconds; instance 2 takes twice as long. */
  readonly bringMs?: number;
  readonly stepDeadlineMs?: number;
}

const never = <T>(): Promise<T> => new Promise(() => undefined);

export class World {
  readonly clock: ManualClock = createManualClock();
  readonly rng = createSeededRng(7);
  readonly newId = createIdSource(this.clock, this.rng);
  readonly database: MemoryDatabase = createMemoryDatabase();
  /** Looks at the tables from outside; is never killed. */
  readonly gateway: Gateway = createMemoryGateway(this.database);
  readonly processes = new Map<string, Process>();
  /** Everything done to a process, in order: `launch A 1`, `stop A 1`. */
  readonly effects: string[] = [];
  readonly launchIds: string[] = [];
  readonly published: Published[] = [];
  /** Made to fail, by `TYPE n`. */
  readonly broken = new Map<string, Error | "hang">();
  serverId = 0;
  /** The worker dies at the n-th boundary from now on; null = never. */
  killAt: number | null = null;
  readonly #options: WorldOptions;
  readonly #systems: ActorSystem[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  async prepare(): Promise<void> {
    const { gateway, clock } = this;
    const { serverId } = await bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server: "hades", clock });
    this.serverId = serverId;
    for (const [type, traits] of Object.entries(this.#options.types)) {
      const definition = writeDefinition(typeOf(traits));
      await gateway.commit([insert("process_type", { logical_process_name: type, definition, row_version: 1 })]);
    }
    for (const [type, count] of Object.entries(this.#options.counts)) {
      for (let instance = 1; instance <= count; instance += 1) {
        this.processes.set(`${type} ${instance}`, { status: "STOPPED", launchId: null, order: 0 });
        await gateway.commit([insert("process_config", newInstance({ serverId, type, instance }))]);
      }
    }
  }

  /** Starts a worker; null when it was killed on its way up. */
  async startWorker(): Promise<Worker | null> {
    const life = { dead: false };
    const gateway = this.#mortal(life);
    const { clock, rng, newId, serverId } = this;
    const claims = (async () => {
      const incarnation = await takeIncarnation(gateway, {
        serverId,
        nonce: newId(),
        program: "0.2.0",
        now: clock.now(),
      });
      const taken = await takeOver(gateway, { serverId, nonce: newId(), now: clock.now() });
      if (taken.kind === "lost") throw new Error("lost the take-over");
      return { incarnation, epoch: taken.epoch };
    })();
    const won = await Promise.race([claims, clock.settle().then(() => null)]);
    if (won === null) return null;
    const system = createActorSystem({ host: "hades", clock, rng, newId, logger: silentLogger });
    this.#systems.push(system);
    const worker: Worker = Object.assign(life, {
      ...won,
      gateway,
      deposed: 0,
      superseded: 0,
      conductor: system.spawn(
        createConductor({
          gateway,
          epoch: won.epoch,
          events: {
            publish: (_subject, { data }) => {
              if (!life.dead) this.published.push(Published.parse(data));
            },
          },
          wake: () => worker.runner.tell({ type: "Wake" }),
          grantsOver: async () => false,
          handBack: () => undefined,
          onDeposed: () => {
            worker.deposed += 1;
          },
        }),
        "conductor",
      ),
      runner: system.spawn(
        createStepRunner({
          gateway,
          serverId,
          incarnation: won.incarnation,
          bring: (step) => this.#bring(step, life),
          deadlineOf: () => this.#options.stepDeadlineMs ?? 30_000,
          recorded: async () => undefined,
          finished: (operationId) => worker.conductor.tell({ type: "StepFinished", operationId }),
          onSuperseded: () => {
            worker.superseded += 1;
          },
        }),
        "runner",
      ),
    });
    return worker;
  }

  /** Asks for an operation; null when the worker died over it, or has not answered after two seconds. */
  async submit(
    worker: Worker,
    requestId: string,
    verb: CommandVerb,
    target: Target = {},
    options: Record<string, unknown> = {},
  ): Promise<string | null> {
    const asked = worker.conductor
      .ask({ type: "Submit", verb, command: { requestId, target, by: "ann", options } }, { timeoutMs: 60_000 })
      .then(({ operationId }) => operationId);
    asked.catch(() => undefined);
    return Promise.race([asked, this.clock.run(50).then(() => null)]);
  }

  /** Runs time on until the operation has ended, at most a minute. */
  async ended(operationId: string, worker?: Worker): Promise<Row<"operation"> | null> {
    for (let step = 0; step < 600; step += 1) {
      const [row] = await this.gateway.find("operation", { where: { id: operationId } });
      if (row !== undefined && row.state !== "open") return row;
      if (worker?.dead) return null;
      await this.clock.run(100);
    }
    throw new Error(`operation did not end: ${JSON.stringify(await this.steps(operationId))}`);
  }

  async steps(operationId: string): Promise<string[]> {
    const rows = await this.gateway.find("operation_step", {
      where: { operation_id: operationId },
      orderBy: [{ column: "seq" }],
    });
    return rows.map((row) => `${row.logical_process_name} ${row.logical_process_instance} ${row.state}`);
  }

  async nodeState(): Promise<string> {
    return must((await this.gateway.find("node_state"))[0]).state;
  }

  /** As its sentinel records it when a process has ended without an order. */
  async die(label: string): Promise<string> {
    const [type = "", instance] = label.split(" ");
    const id = this.newId();
    await this.gateway.commit([
      insert("process_event_log", {
        id,
        logical_machine_id: this.serverId,
        logical_process_name: type,
        logical_process_instance: Number(instance),
        process_id: 1,
        process_status: 3003,
        process_status_comment: null,
        timestamp: this.clock.now(),
        followed: false,
      }),
    ]);
    return id;
  }

  async setStatus(label: string, status: ProcessStatus, held = false): Promise<void> {
    const [type = "", instance] = label.split(" ");
    must(this.processes.get(label)).status = status;
    await this.gateway.commit([
      update(
        "process_config",
        { logical_process_name: type, logical_process_instance: Number(instance) },
        { last_known_status: status, held },
      ),
    ]);
  }

  async end(): Promise<void> {
    for (const system of this.#systems) {
      const stopping = system.stop(1);
      await this.clock.run(2000);
      await stopping;
    }
  }

  /** The gateway of a worker that may die before or after each commit. */
  #mortal(life: { dead: boolean }): Gateway {
    const inner = createMemoryGateway(this.database);
    return {
      find: (table, query) => (life.dead ? never() : inner.find(table, query)),
      commit: async (writes) => {
        await this.#boundary(life);
        const touched = await inner.commit(writes);
        await this.#boundary(life);
        return touched;
      },
      close: () => inner.close(),
    };
  }

  /** A point where the worker may die. */
  async #boundary(life: { dead: boolean }): Promise<void> {
    if (this.killAt !== null && !life.dead) {
      if (this.killAt === 0) life.dead = true;
      this.killAt = life.dead ? null : this.killAt - 1;
    }
    if (life.dead) await never();
  }

  async #bring(step: StepToPerform, life: { dead: boolean }): Promise<{ status: ProcessStatus; comment: string }> {
    const label = `${step.type} ${step.instance}`;
    const process = this.processes.get(label) ?? { status: "STOPPED", launchId: null, order: 0 };
    this.processes.set(label, process);
    await this.#boundary(life);
    const broken = this.broken.get(label);
    if (broken === "hang") return never();
    if (broken !== undefined) {
      if (step.desired === "RUNNING") await this.setStatus(label, "SUSPENDED");
      throw broken;
    }
    const order = process.order + 1;
    process.order = order;
    if (isThere(process, step)) return { status: process.status, comment: "already there" };
    await new Promise<void>((resolve) => this.clock.after(step.instance * (this.#options.bringMs ?? 20), resolve));
    await this.#boundary(life);
    if (process.order !== order) throw new CastellanError("SUPERSEDED", "a later order replaced this one");
    // Done for the process's sake, and on record with its keeper, before anybody hears of it.
    if (process.status === "RUNNING" || process.status === "PAUSED") {
      if (["STOPPED", "RESTARTED", "HELD"].includes(step.desired)) this.effects.push(`stop ${label}`);
    }
    if (step.desired === "RUNNING" || step.desired === "RESTARTED") {
      this.effects.push(`launch ${label}`);
      this.launchIds.push(step.launchId);
      process.launchId = step.launchId;
    }
    await this.setStatus(label, AFTER[step.desired], step.desired === "HELD");
    await this.#boundary(life);
    return { status: process.status, comment: step.desired.toLowerCase() };
  }
}

const AFTER: Readonly<Record<DesiredState, ProcessStatus>> = {
  RUNNING: "RUNNING",
  RESTARTED: "RUNNING",
  UNPAUSED: "RUNNING",
  STOPPED: "STOPPED",
  PAUSED: "PAUSED",
  HELD: "STARTING",
};

function isThere(process: Process, { desired, launchId }: StepToPerform): boolean {
  if (desired === "RESTARTED") return process.status === "RUNNING" && process.launchId === launchId;
  return process.status === AFTER[desired];
}
