/** One server in a temporary home: real processes, files and /proc; a table in memory in place of the shared schema. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type ActorRef, type ActorSystem, createActorSystem } from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Alert, type DesiredState, ProcessEvent, ProcessType, processToken } from "@castellan/protocol";
import {
  bootstrapNode,
  type Gateway,
  insert,
  type NodeView,
  newInstance,
  type Row,
  readNodeView,
  update,
  writeDefinition,
} from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { assertNothingLeft, eventually, killAll, type TempHome, tempHome } from "@castellan/testkit";
import type { PublishedEvent } from "../../src/ports.ts";
import type { KeeperCommand } from "../../src/process/keeper-messages.ts";
import { createProcessTable, type ProcessTableCommand } from "../../src/process/process-table.ts";
import { createStatusWriter, type StatusWriter } from "../../src/process/status-writer.ts";
import { createKeeperWorld } from "../../src/process/world.ts";

export const clock = createSystemClock();
export const newId = createIdSource(clock, systemRng);

/** What outlives a worker: the home, the schema, the outbox and what subscribers saw. */
export class ServerKit {
  readonly home: TempHome;
  readonly gateway: Gateway;
  readonly alerts: { phase: string; alert: Alert }[] = [];
  readonly events: ProcessEvent[] = [];
  readonly published: PublishedEvent[] = [];
  readonly complaints: string[] = [];
  superseded = 0;
  serverId = 0;
  #incarnation = 0;
  #workers: Worker[] = [];

  private constructor(home: TempHome, gateway: Gateway) {
    this.home = home;
    this.gateway = gateway;
  }

  /** In a home of its own, or in one that exists already (then another process disposes of it). */
  static async create(home?: TempHome): Promise<ServerKit> {
    const kit = new ServerKit(home ?? (await tempHome()), createMemoryGateway());
    await mkdir(kit.home.path("run"), { recursive: true });
    const bootstrapped = await bootstrapNode(kit.gateway, {
      node: "ips1",
      dirName: kit.home.dir,
      server: "hades",
      clock,
    });
    kit.serverId = bootstrapped.serverId;
    return kit;
  }

  /** Defines a type with `instances` rows. Anything of the user's form of a type may be given. */
  async define(type: string, instances: number, definition: Record<string, unknown>): Promise<void> {
    const writes = [
      insert("process_type", {
        logical_process_name: type,
        definition: writeDefinition(ProcessType.parse(definition)),
        row_version: 1,
      }),
    ];
    for (let instance = 1; instance <= instances; instance += 1)
      writes.push(insert("process_config", this.#row(type, instance)));
    await this.gateway.commit(writes);
  }

  async redefine(type: string, definition: Record<string, unknown>): Promise<void> {
    const text = writeDefinition(ProcessType.parse(definition));
    await this.gateway.commit([update("process_type", { logical_process_name: type }, { definition: text })]);
  }

  async attribute(name: string, value: string): Promise<void> {
    const place = { logical_machine_id: 0, logical_process_name: "ALL", logical_process_instance: 0 };
    await this.gateway.commit([
      insert("process_attributes", { ...place, attribute_name: name, attribute_value: value, attribute_type: "I" }),
    ]);
  }

  /** A worker as after a start: a new incarnation, everything else from disk and schema. */
  async worker(options: { readView?: () => Promise<NodeView> } = {}): Promise<Worker> {
    this.#incarnation += 1;
    const now = clock.now();
    const key = { logical_machine_id: this.serverId };
    const row = { incarnation: this.#incarnation, nonce: newId(), started_at: now, last_seen_at: now, ended_at: null };
    await this.gateway.commit([
      this.#incarnation === 1 ? insert("sentinel", { ...key, ...row }) : update("sentinel", key, row),
    ]);
    const worker = new Worker(this, this.#incarnation, options.readView ?? (() => readNodeView(this.gateway)));
    this.#workers.push(worker);
    return worker;
  }

  async row(type: string, instance: number): Promise<Row<"process_config"> | undefined> {
    const where = { logical_process_name: type, logical_process_instance: instance };
    return (await this.gateway.find("process_config", { where }))[0];
  }

  async record(type: string, instance: number): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(this.#recordPath(type, instance), "utf8"));
  }

  async writeRecord(type: string, instance: number, record: Record<string, unknown>): Promise<void> {
    await mkdir(this.home.path("run", "processes"), { recursive: true });
    await writeFile(this.#recordPath(type, instance), JSON.stringify(record));
  }

  async output(type: string, instance: number): Promise<string> {
    return await readFile(this.home.path("logs", `${type}_${instance}.log`), "utf8");
  }

  /** Ends everything and checks that nothing is left. */
  async dispose(): Promise<void> {
    for (const worker of this.#workers) await worker.drop();
    await killAll(this.home.dir);
    await assertNothingLeft(this.home.dir);
    await this.home.remove();
  }

  #recordPath(type: string, instance: number): string {
    return this.home.path("run", "processes", `${processToken({ type, instance })}.json`);
  }

  #row(type: string, instance: number): Row<"process_config"> {
    return newInstance({ serverId: this.serverId, type, instance });
  }
}

export interface Brought {
  readonly status: string;
  readonly comment: string;
}

export interface Seen extends Brought {
  readonly pid: number | null;
  readonly restarts: number;
}

export class Worker {
  readonly system: ActorSystem;
  readonly table: ActorRef<ProcessTableCommand>;
  readonly status: StatusWriter;

  constructor(kit: ServerKit, incarnation: number, readView: () => Promise<NodeView>) {
    const identity = { node: "ips1", server: "hades", serverId: kit.serverId, incarnation, home: kit.home.dir };
    const deps = { clock, rng: systemRng, newId };
    this.system = createActorSystem({ ...deps, host: "hades", logger: silentLogger, encodeLocally: true });
    this.status = createStatusWriter({
      ...deps,
      gateway: kit.gateway,
      identity,
      log: silentLogger,
      onSuperseded: () => {
        kit.superseded += 1;
      },
    });
    const world = createKeeperWorld({
      identity,
      clock,
      log: silentLogger,
      status: this.status,
      grants: { permit: async () => ({ guarded: false }), guard: null },
      baseEnv: { PATH: process.env.PATH ?? "" },
      events: {
        publish: (_subject, event) => {
          kit.published.push(event);
          kit.events.push(ProcessEvent.parse(event.data));
        },
      },
      alerts: { report: async (phase, alert) => void kit.alerts.push({ phase, alert }) },
      messages: {
        error: (id, text) => void kit.complaints.push(`${id} ${text}`),
        warn: () => undefined,
        hasError: (id, beginning) => kit.complaints.some((one) => one.startsWith(`${id} ${beginning}`)),
      },
    });
    this.table = this.system.spawn(createProcessTable({ ...world, readView, refreshMs: 1000 }), "processes");
  }

  async keeper(type: string, instance: number): Promise<ActorRef<KeeperCommand>> {
    return await this.table.ask({ type: "GetKeeper", key: { type, instance } }, { timeoutMs: 30_000 });
  }

  async bring(type: string, instance: number, desired: DesiredState, launchId = newId()): Promise<Brought> {
    const keeper = await this.keeper(type, instance);
    return await keeper.ask({ type: "Bring", desired, launchId, by: "test" }, { timeoutMs: 60_000 });
  }

  async statusOf(type: string, instance: number): Promise<Seen> {
    const keeper = await this.keeper(type, instance);
    return await keeper.ask({ type: "GetStatus" }, { timeoutMs: 30_000 });
  }

  async until(type: string, instance: number, status: string, withinMs = 30_000): Promise<number | null> {
    let pid: number | null = null;
    await eventually(
      async () => {
        const seen = await this.statusOf(type, instance);
        pid = seen.pid;
        if (seen.status !== status) throw new Error(`is ${seen.status} (${seen.comment})`);
        return true;
      },
      { withinMs, describe: `${type} ${instance} ${status}` },
    );
    return pid;
  }

  /** As a kill of the worker: nothing is written or signalled on the way. */
  async drop(): Promise<void> {
    await this.status.close();
    await this.system.stop(2000);
  }
}
