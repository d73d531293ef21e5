/**
 * Several servers on one schema, in virtual time. Workers die between any two things they do and are replaced or stay away;
 * who is left elects a master, sees who is missing, and knows when a grant is over. Every launch and stop is held against the
 * promises: nothing runs twice, nothing runs before what it needs.
 */
import { type ActorRef, type ActorSystem, createActorSystem } from "@castellan/actor";
import { createManualClock, type ManualClock } from "@castellan/actor/testing";
import { CastellanError, createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import type { CommandVerb, DesiredState, ProcessStatus, Target } from "@castellan/protocol";
import { bootstrapNode, type Gateway, insert, newInstance, type Row, update, writeDefinition } from "@castellan/store";
import { createMemoryDatabase, createMemoryGateway, type MemoryDatabase } from "@castellan/store/memory";
import { type ConductorCommand, createConductor } from "../../src/operation/conductor.ts";
import { createStepRunner, type StepRunnerCommand, type StepToPerform } from "../../src/operation/step-runner.ts";
import { takeIncarnation } from "../../src/role/incarnation.ts";
import { takeOver } from "../../src/role/mastership.ts";
import { must, type Traits, typeOf } from "./views.ts";

/** One life of a server's worker. */
interface Life {
  dead: boolean;
  readonly gateway: Gateway;
  readonly system: ActorSystem;
  runner: ActorRef<StepRunnerCommand> | null;
  conductor: ActorRef<ConductorCommand> | null;
  epoch: number;
}

interface Server {
  readonly id: number;
  readonly name: string;
  life: Life | null;
  diedMs: number;
  /** Not before then; null: never again. */
  returnsMs: number | null;
}

interface Process {
  status: ProcessStatus;
  launchId: string | null;
  order: number;
}

export interface ClusterOptions {
  readonly types: Record<string, Traits>;
  /** server -> type -> number of instances; numbers of foreground types are unique in the node. */
  readonly servers: Record<string, Record<string, number>>;
}

const LOOK_MS = 500;
const BRING_MS = 100;
const ELECTION_MS = 500;
const DOWN_MS = 15_000;
/** When the guard of a server whose sentinel is gone ends what needs a grant, and when the master may be sure of it. */
const GUARD_MS = 20_000;
const GRANT_OVER_MS = 25_000;
const never = <T>(): Promise<T> => new Promise(() => undefined);

export class Cluster {
  readonly clock: ManualClock = createManualClock();
  readonly #rng = createSeededRng(11);
  readonly newId = createIdSource(this.clock, this.#rng);
  readonly #database: MemoryDatabase = createMemoryDatabase();
  readonly gateway: Gateway = createMemoryGateway(this.#database);
  readonly servers: Server[] = [];
  readonly processes = new Map<string, Process>();
  readonly effects: string[] = [];
  /** Promises that were broken. */
  readonly complaints: string[] = [];
  /** The worker that comes to the n-th boundary from now on dies there; null: nobody does. */
  killAt: number | null = null;
  /** How long who was killed stays away, milliseconds; null: for good. */
  awayMs: number | null = 1000;
  killed: string | null = null;
  readonly #options: ClusterOptions;
  #leaderlessMs: number | null = null;
  #epochs = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  async prepare(): Promise<void> {
    const { gateway, clock } = this;
    for (const [type, traits] of Object.entries(this.#options.types)) {
      const definition = writeDefinition(typeOf(traits));
      await gateway.commit([insert("process_type", { logical_process_name: type, definition, row_version: 1 })]);
    }
    for (const [name, counts] of Object.entries(this.#options.servers)) {
      const { serverId } = await bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server: name, clock });
      this.servers.push({ id: serverId, name, life: null, diedMs: 0, returnsMs: 0 });
      for (const [type, count] of Object.entries(counts)) {
        for (let instance = 1; instance <= count; instance += 1) await this.#define(serverId, type, instance);
      }
    }
    for (const server of this.servers) await this.#startWorker(server);
    await this.#environment();
    await this.#elect(must(this.servers[0]), "unplanned");
    await this.run(1000);
  }

  server(name: string): Server {
    return must(this.servers.find((server) => server.name === name));
  }

  /** Time goes on; workers come back, masters are elected, the missing are noticed: every `lookMs`. */
  async run(ms: number, lookMs = LOOK_MS): Promise<void> {
    for (let gone = 0; gone < ms; gone += lookMs) {
      await this.clock.run(lookMs);
      await this.#environment();
    }
  }

  kill(name: string, awayMs: number | null): void {
    const server = this.server(name);
    if (server.life !== null) this.#die(server, server.life, awayMs);
  }

  /** A person moves mastership. */
  async setMaster(name: string): Promise<void> {
    await this.#elect(this.server(name), "planned");
  }

  /** As the CLI does: asks whoever is master, again and again under the same id. Null: nobody has answered in two minutes. */
  async submit(requestId: string, verb: CommandVerb, target: Target = {}): Promise<string | null> {
    for (let attempt = 0; attempt < 240; attempt += 1) {
      const conductor = this.#master()?.conductor ?? null;
      if (conductor !== null) {
        const command = { requestId, target, by: "ann", options: {} };
        const asked = conductor.ask({ type: "Submit", verb, command }, { timeoutMs: 2000 }).then(
          ({ operationId }) => operationId,
          (thrown: unknown) => {
            if (thrown instanceof CastellanError && thrown.retryable) return null;
            throw thrown;
          },
        );
        const answer = await Promise.race([asked, this.run(500).then(() => null)]);
        asked.catch(() => undefined);
        if (answer !== null) return answer;
      } else await this.run(500);
    }
    return null;
  }

  /** The operation's row when it has ended; fails after `withinMs`. */
  async ended(operationId: string, withinMs = 180_000): Promise<Row<"operation">> {
    for (let gone = 0; gone < withinMs; gone += 500) {
      const [row] = await this.gateway.find("operation", { where: { id: operationId } });
      if (row !== undefined && row.state !== "open") return row;
      await this.run(500);
    }
    throw new Error(`operation did not end: ${(await this.steps(operationId)).join("; ")}`);
  }

  async steps(operationId: string): Promise<string[]> {
    const rows = await this.gateway.find("operation_step", {
      where: { operation_id: operationId },
      orderBy: [{ column: "seq" }],
    });
    const name = (id: number): string => this.servers.find((server) => server.id === id)?.name ?? String(id);
    return rows.map(
      (row) =>
        `${row.logical_process_name} ${row.logical_process_instance}@${name(row.logical_machine_id)} ${row.desired} ${row.state}`,
    );
  }

  /** What runs, as `TYPE n@server`. */
  running(): string[] {
    return [...this.processes].flatMap(([label, { status }]) => (isAlive(status) ? [label] : [])).sort();
  }

  /** Everything on record, for a test that fails. */
  async story(): Promise<string> {
    const operations = await this.gateway.find("operation", { orderBy: [{ column: "id" }] });
    const told = await Promise.all(
      operations.map(
        async (row) => `${row.verb} ${row.state}: ${row.result_text}\n  ${(await this.steps(row.id)).join("\n  ")}`,
      ),
    );
    const configs = await this.gateway.find("process_config");
    const rows = configs.map(
      (row) =>
        `${row.logical_process_name} ${row.logical_process_instance}@${row.logical_machine_id} ${row.last_known_status}${row.held ? " held" : ""}`,
    );
    const servers = await this.gateway.find("server_state");
    const [state] = await this.gateway.find("node_state");
    return [...told, ...rows, JSON.stringify(servers), JSON.stringify(state)].join("\n");
  }

  async open(): Promise<Row<"operation">[]> {
    return this.gateway.find("operation", { where: { state: "open" } });
  }

  async end(): Promise<void> {
    for (const { life } of this.servers) {
      if (life === null) continue;
      const stopping = life.system.stop(1);
      await this.clock.run(2000);
      await stopping;
    }
  }

  async #define(serverId: number, type: string, instance: number): Promise<void> {
    await this.gateway.commit([insert("process_config", newInstance({ serverId, type, instance }))]);
  }

  #master(): Life | null {
    const [life] = this.servers
      .flatMap((server) => (server.life?.conductor ? [server.life] : []))
      .sort((a, b) => b.epoch - a.epoch);
    return life ?? null;
  }

  #die(server: Server, life: Life, awayMs: number | null): void {
    life.dead = true;
    server.life = null;
    server.diedMs = this.clock.bootMs();
    server.returnsMs = awayMs === null ? null : server.diedMs + awayMs;
    void life.system.stop(1);
  }

  async #environment(): Promise<void> {
    const nowMs = this.clock.bootMs();
    const { gateway, clock } = this;
    for (const server of this.servers) {
      if (server.life === null && server.returnsMs !== null && nowMs >= server.returnsMs)
        await this.#startWorker(server);
      const isDown = server.life === null && nowMs - server.diedMs >= DOWN_MS;
      if (server.life === null && nowMs - server.diedMs >= GUARD_MS) this.#guard(server);
      const own = { logical_machine_id: server.id };
      if (server.life !== null) await gateway.commit([update("sentinel", own, { last_seen_at: clock.now() }, "any")]);
      const state = isDown ? "down" : "up";
      if (server.life !== null || isDown) await gateway.commit([update("server_state", own, { state }, "any")]);
    }
    if (this.#master() !== null) {
      this.#leaderlessMs = null;
      return;
    }
    this.#leaderlessMs ??= nowMs;
    const candidate = this.servers.find(({ life }) => life !== null);
    if (candidate !== undefined && nowMs - this.#leaderlessMs >= ELECTION_MS) await this.#elect(candidate, "unplanned");
  }

  /** What ends the granted processes of a server that is cut off. */
  #guard(server: Server): void {
    for (const [label, process] of this.processes) {
      const [name = "", at] = label.split("@");
      const layer = this.#options.types[name.split(" ")[0] ?? ""]?.layer;
      if (at === server.name && layer === "foreground" && isAlive(process.status)) process.status = "STOPPED";
    }
  }

  async #startWorker(server: Server): Promise<void> {
    const { clock, newId } = this;
    const life: Life = {
      dead: false,
      gateway: this.#mortal(server),
      system: this.#system(server),
      runner: null,
      conductor: null,
      epoch: 0,
    };
    server.life = life;
    server.returnsMs = null;
    const taking = takeIncarnation(life.gateway, {
      serverId: server.id,
      nonce: newId(),
      program: "0.2.0",
      now: clock.now(),
    });
    const incarnation = await Promise.race([taking, clock.settle().then(() => null)]);
    if (incarnation === null) return;
    life.runner = life.system.spawn(
      createStepRunner({
        gateway: life.gateway,
        serverId: server.id,
        incarnation,
        bring: (step) => this.#bring(server, life, step),
        deadlineOf: () => 30_000,
        recorded: async () => undefined,
        finished: (operationId) => this.#master()?.conductor?.tell({ type: "StepFinished", operationId }),
        onSuperseded: () => undefined,
      }),
      "runner",
    );
  }

  #system({ name }: Server): ActorSystem {
    const { clock, newId } = this;
    return createActorSystem({ host: name, clock, rng: this.#rng, newId, logger: silentLogger });
  }

  async #elect(server: Server, handover: "planned" | "unplanned", returns = false): Promise<void> {
    const { life } = server;
    if (life === null) return;
    const { clock, newId } = this;
    const taking = takeOver(life.gateway, { serverId: server.id, nonce: newId(), now: clock.now(), handover, returns });
    const taken = await Promise.race([taking, clock.settle().then(() => null)]);
    if (taken === null || taken.kind === "lost" || life.dead || server.life !== life) return;
    this.#epochs += 1;
    life.epoch = taken.epoch;
    life.conductor = life.system.spawn(
      createConductor({
        gateway: life.gateway,
        epoch: taken.epoch,
        events: { publish: () => undefined },
        wake: (name) => this.server(name).life?.runner?.tell({ type: "Wake" }),
        handBack: (name) => {
          this.#elect(this.server(name), "unplanned", true).catch((thrown: unknown) => {
            if (!life.dead) this.complaints.push(`mastership was not handed back: ${String(thrown)}`);
          });
        },
        grantsOver: async (serverId) => this.#isGrantOver(serverId),
        onDeposed: () => {
          if (life.epoch === taken.epoch) life.conductor = null;
        },
      }),
      `conductor-${this.#epochs}`,
    );
    // Its epoch is over, and its next commit tells it so; nobody asks it any more.
    for (const other of this.servers) if (other.life !== null && other.life !== life) other.life.conductor = null;
  }

  #isGrantOver(serverId: number): boolean {
    const server = must(this.servers.find(({ id }) => id === serverId));
    return server.life === null && this.clock.bootMs() - server.diedMs >= GRANT_OVER_MS;
  }

  /** A worker's gateway: it may die before and after each commit. */
  #mortal(server: Server): Gateway {
    const inner = createMemoryGateway(this.#database);
    let mine: Life | null = null;
    const life = (): Life | null => {
      mine ??= server.life;
      return mine;
    };
    return {
      find: (table, query) => (life()?.dead === true ? never() : inner.find(table, query)),
      commit: async (writes) => {
        await this.#boundary(server, life());
        const touched = await inner.commit(writes);
        await this.#boundary(server, life());
        return touched;
      },
      close: () => inner.close(),
    };
  }

  async #boundary(server: Server, life: Life | null): Promise<void> {
    if (life === null) return;
    if (this.killAt !== null && !life.dead) {
      if (this.killAt === 0) {
        this.killAt = null;
        this.killed = server.name;
        this.#die(server, life, this.awayMs);
      } else this.killAt -= 1;
    }
    if (life.dead) await never();
  }

  async #bring(server: Server, life: Life, step: StepToPerform): Promise<{ status: ProcessStatus; comment: string }> {
    const one = {
      logical_machine_id: server.id,
      logical_process_name: step.type,
      logical_process_instance: step.instance,
    };
    await this.#boundary(server, life);
    if ((await this.gateway.find("process_config", { where: one })).length === 0) {
      throw new CastellanError("NO_SUCH_PROCESS", `not defined on ${server.name}`);
    }
    const label = `${step.type} ${step.instance}@${server.name}`;
    const process = this.processes.get(label) ?? { status: "STOPPED", launchId: null, order: 0 };
    this.processes.set(label, process);
    const order = process.order + 1;
    process.order = order;
    const record = async (status: ProcessStatus): Promise<void> => {
      process.status = status;
      const held = step.desired === "HELD";
      await this.gateway.commit([update("process_config", one, { last_known_status: status, held }, "any")]);
    };
    const isThere =
      step.desired === "RESTARTED"
        ? process.status === "RUNNING" && process.launchId === step.launchId
        : process.status === AFTER[step.desired];
    if (isThere) {
      await record(process.status);
      return { status: process.status, comment: "already there" };
    }
    await new Promise<void>((resolve) => this.clock.after(BRING_MS * step.instance, resolve));
    await this.#boundary(server, life);
    if (process.order !== order) throw new CastellanError("SUPERSEDED", "a later order replaced this one");
    if (isAlive(process.status) && step.desired !== "RUNNING") this.#effect("stop", label);
    if (step.desired === "RUNNING" || step.desired === "RESTARTED") {
      this.#effect("launch", label);
      process.launchId = step.launchId;
    }
    await record(AFTER[step.desired]);
    await this.#boundary(server, life);
    return { status: process.status, comment: step.desired.toLowerCase() };
  }

  /** Notes what is done, and what promise it breaks. */
  #effect(what: "launch" | "stop", label: string): void {
    this.effects.push(`${what} ${label}`);
    const [name = ""] = label.split("@");
    const [type = ""] = name.split(" ");
    if (what === "stop") {
      must(this.processes.get(label)).status = "STOPPED";
      return;
    }
    const alive = new Set(this.running());
    if (alive.has(label)) this.complaints.push(`${label} is launched and runs already`);
    if (this.#options.types[type]?.layer === "foreground") {
      const other = [...alive].find((running) => running.startsWith(`${name}@`));
      if (other !== undefined) this.complaints.push(`${label} is launched while ${other} runs`);
    }
    for (const edge of this.#options.types[type]?.dependsOn ?? []) {
      const needed = typeof edge === "string" ? edge : edge.type;
      const count = Object.values(this.#options.servers).reduce((sum, counts) => sum + (counts[needed] ?? 0), 0);
      const there = [...alive].filter((running) => running.startsWith(`${needed} `)).length;
      if (there < count) this.complaints.push(`${label} is launched while ${needed} runs ${there} of ${count} times`);
    }
  }
}

const isAlive = (status: ProcessStatus): boolean => status === "RUNNING" || status === "PAUSED";

const AFTER: Readonly<Record<DesiredState, ProcessStatus>> = {
  RUNNING: "RUNNING",
  RESTARTED: "RUNNING",
  UNPAUSED: "RUNNING",
  STOPPED: "STOPPED",
  PAUSED: "PAUSED",
  HELD: "STARTING",
};
