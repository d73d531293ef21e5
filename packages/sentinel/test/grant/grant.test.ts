/** A holder and a master over one schema, in manual time: what is renewed, stopped, taken away, and taken anew. */
import { type ActorRef, type ActorSystem, createActorSystem } from "@castellan/actor";
import { createManualClock, type ManualClock } from "@castellan/actor/testing";
import { createIdSource, createSeededRng, silentLogger, sleep } from "@castellan/kernel";
import { type Gateway, insert, StoreUnavailable, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { describe, expect, it } from "vitest";
import { createGrantKeeper, type GrantCommand } from "../../src/grant/grant-keeper.ts";
import { createGranter, type GranterCommand } from "../../src/grant/granter.ts";
import type { GuardPort } from "../../src/grant/guard-port.ts";
import type { Over } from "../../src/grant/judge.ts";
import { beginMember, confirm, quietFor, refuse, rowsRead } from "../../src/grant/member.ts";
import { codeOf, twoServers } from "../role/gateways.ts";

const PERIOD_MS = 20_000;
const MARGIN_MS = 2040;

class Node {
  readonly clock: ManualClock = createManualClock();
  readonly stops: number[] = [];
  readonly fenced: string[] = [];
  gateway: Gateway = createMemoryGateway();
  zeus = 0;
  hades = 0;
  members: number[] = [];
  isSchemaAway = false;
  isBusAway = false;
  /** The next commit is the last that gets through, and nobody hears of it. */
  isCutAfterCommit = false;
  fenceFails = false;
  isGuardThere = true;
  /** How long it takes until every keeper has been told to stop. */
  keepersMs = 0;
  endMs = Number.NaN;
  generation = 0;
  #member = rowsRead(beginMember(0), []);

  static async create(members: readonly ("hades" | "zeus")[]): Promise<Node> {
    const node = new Node();
    const { database, hades, zeus } = await twoServers(node.clock);
    const inner = createMemoryGateway(database);
    const now = node.clock.now();
    const sentinel = { incarnation: 1, nonce: "n", started_at: now, last_seen_at: now, ended_at: null };
    await inner.commit([insert("sentinel", { logical_machine_id: zeus, ...sentinel })]);
    node.hades = hades;
    node.zeus = zeus;
    node.members = members.map((name) => (name === "hades" ? hades : zeus));
    node.#member = rowsRead(beginMember(node.clock.bootMs() - 3_600_000), []);
    node.gateway = inner;
    return node;
  }

  /** The worker of zeus. */
  holder(): { readonly ref: ActorRef<GrantCommand>; stop(): Promise<void> } {
    const { gateway } = this;
    const away = (): void => {
      if (this.isSchemaAway) throw new StoreUnavailable("the database is away");
    };
    const cut = (): void => {
      if (this.isCutAfterCommit) this.isSchemaAway = true;
    };
    const guard: GuardPort = {
      keep: () => undefined,
      isUp: () => this.isGuardThere,
      endAt: ({ endMs, generation }) => {
        this.endMs = endMs;
        this.generation = generation;
      },
      remembered: () =>
        this.generation === 0 || this.endMs < 0 ? null : { generation: this.generation, endMs: this.endMs },
      hasSwept: () => this.clock.bootMs() >= this.endMs,
      launch: () => Promise.reject(new Error("not in this test")),
      howEnded: () => Promise.reject(new Error("not in this test")),
      end: () => {
        this.isGuardThere = false;
      },
    };
    const system = this.#system("zeus");
    const ref = system.spawn(
      createGrantKeeper({
        gateway: {
          ...gateway,
          async find(table, query) {
            away();
            return await gateway.find(table, query);
          },
          async commit(writes) {
            away();
            const touched = await gateway.commit(writes);
            cut();
            away();
            return touched;
          },
        },
        serverId: this.zeus,
        incarnation: 1,
        guard,
        wanted: () => ({ terms: { members: this.members, periodMs: PERIOD_MS }, types: ["WQS"] }),
        confirm: async (_member, generation) => {
          if (this.isBusAway) throw new Error("nobody answers");
          const answer = confirm(this.#member, this.zeus, generation, this.clock.bootMs());
          this.#member = answer.state;
          return answer.isConfirmed;
        },
        stopProcesses: async () => {
          this.stops.push(this.clock.bootMs());
          await sleep(this.clock, this.keepersMs);
        },
        onChange: () => undefined,
        onSuperseded: () => undefined,
      }),
      "grant",
    );
    return { ref, stop: () => system.stop(0) };
  }

  /** On hades. */
  granter(hasCommand = false): () => Promise<Over> {
    const { clock } = this;
    const ref: ActorRef<GranterCommand> = this.#system("hades").spawn(
      createGranter({
        gateway: this.gateway,
        epoch: 0,
        serverId: this.hades,
        refuse: async (_member, server, generation) => {
          if (this.isBusAway) throw new Error("nobody answers");
          this.#member = refuse(this.#member, server, generation);
          return quietFor(this.#member, server, clock.bootMs());
        },
        fenceCommand: hasCommand
          ? async (server) => {
              this.fenced.push(server);
              if (this.fenceFails) throw new Error("exit code 1");
            }
          : null,
        onDeposed: () => undefined,
      }),
      "granter",
    );
    return async () => {
      const answer = ref.ask<"GrantsOver">({ type: "GrantsOver", serverId: this.zeus }, { timeoutMs: 60_000 });
      await clock.settle();
      return await answer;
    };
  }

  async row() {
    return (await this.gateway.find("server_grant"))[0];
  }

  #system(host: string): ActorSystem {
    const { clock } = this;
    const rng = createSeededRng(1);
    const newId = createIdSource(clock, rng);
    return createActorSystem({ host, clock, rng, newId, logger: silentLogger });
  }
}

async function permitted(node: Node, ref: ActorRef<GrantCommand>, waitMs = 0): Promise<unknown> {
  const asked = ref.ask<"Permit">({ type: "Permit" }, { timeoutMs: 60_000 });
  const answer = asked.catch((thrown: unknown) => codeOf(Promise.reject(thrown)));
  await node.clock.run(waitMs);
  await node.clock.settle();
  return await answer;
}

describe("a server of several", () => {
  it("takes a grant, renews it each second, and starts under its guard what needs one", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const { ref } = node.holder();
    await node.clock.run(5000);
    expect(await node.row()).toMatchObject({ generation: 1, revoked: false, period_ms: PERIOD_MS, members: "[1,2]" });
    expect((await node.row())?.renewals).toBeGreaterThanOrEqual(3);
    expect(node.endMs - node.clock.bootMs()).toBeGreaterThan(PERIOD_MS - 1500);
    expect(await permitted(node, ref)).toEqual({ guarded: true });
    expect(node.stops).toEqual([]);
  });

  it("goes on without the schema while the members confirm it", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const { ref } = node.holder();
    await node.clock.run(5000);
    node.isSchemaAway = true;
    await node.clock.run(120_000);
    expect(node.stops).toEqual([]);
    expect(await permitted(node, ref)).toEqual({ guarded: true });
  });

  it("without any contact stops what runs five seconds before the end, starts nothing, and takes up the same grant again", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const { ref } = node.holder();
    await node.clock.run(5000);
    node.isSchemaAway = true;
    node.isBusAway = true;
    const cutMs = node.clock.bootMs();
    await node.clock.run(60_000);
    const [stopMs = 0] = node.stops;
    expect(node.stops).toHaveLength(1);
    expect(stopMs - cutMs).toBeGreaterThan(PERIOD_MS - 5000 - 1500);
    expect(stopMs).toBeLessThanOrEqual(node.endMs - 4500);
    expect(await permitted(node, ref, 11_000)).toBe("NOT_GRANTED");
    node.isSchemaAway = false;
    expect(await permitted(node, ref, 3000)).toEqual({ guarded: true });
    expect(await node.row()).toMatchObject({ generation: 1, revoked: false });
  });

  it.each([
    ["the same worker", false],
    ["a worker that knows of no end", true],
  ])("that was the only one for a while has a whole period from when it is not, under %s", async (_who, isReplaced) => {
    const node = await Node.create(["hades", "zeus"]);
    const first = node.holder();
    await node.clock.run(3000);
    node.members = [node.zeus];
    await node.clock.run(600_000);
    expect(node.endMs).toBe(Number.POSITIVE_INFINITY);
    if (isReplaced) {
      await first.stop();
      node.holder();
      await node.clock.run(3000);
    }
    node.members = [node.hades, node.zeus];
    await node.clock.run(10_000);
    expect(node.stops).toEqual([]);
    expect(node.endMs - node.clock.bootMs()).toBeGreaterThan(PERIOD_MS - 1500);
    expect(node.endMs - node.clock.bootMs()).toBeLessThanOrEqual(PERIOD_MS);
  });

  it("that is the only one needs nobody and never stops", async () => {
    const node = await Node.create(["zeus"]);
    const { ref } = node.holder();
    await node.clock.run(1000);
    node.isSchemaAway = true;
    node.isBusAway = true;
    await node.clock.run(600_000);
    expect([node.stops, await permitted(node, ref), await node.row()]).toEqual([[], { guarded: false }, undefined]);
  });
});

describe("a server's worker", () => {
  it("that asked for the first grant and hears nothing more holds it as if it had it", async () => {
    const node = await Node.create(["zeus"]);
    const { ref } = node.holder();
    await node.clock.run(1000);
    node.isCutAfterCommit = true;
    node.isBusAway = true;
    node.members = [node.hades, node.zeus];
    await node.clock.run(10_000);
    expect([(await node.row())?.generation, node.stops]).toEqual([1, []]);
    await node.clock.run(15_000);
    expect([node.stops.length, node.endMs < node.clock.bootMs()]).toEqual([1, true]);
    expect(await permitted(node, ref, 11_000)).toBe("NOT_GRANTED");
    node.isCutAfterCommit = false;
    node.isSchemaAway = false;
    expect(await permitted(node, ref, 3000)).toEqual({ guarded: true });
    expect(await node.row()).toMatchObject({ generation: 1, revoked: false });
  });

  it("that begins after the end starts nothing before every keeper knows that it has passed", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const first = node.holder();
    await node.clock.run(3000);
    await first.stop();
    await node.clock.run(PERIOD_MS);
    node.keepersMs = 3000;
    const { ref } = node.holder();
    await node.clock.run(1500);
    expect((await node.row())?.revoked).toBe(false);
    expect(await permitted(node, ref)).toBe("NOT_GRANTED");
    await node.clock.run(3000);
    expect(await permitted(node, ref)).toEqual({ guarded: true });
    expect(node.stops).toHaveLength(1);
  });

  it("that is ended in order starts nothing more; neither the others nor the next worker wait for what it had", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const first = node.holder();
    const grantsOver = node.granter();
    await node.clock.run(5000);
    const given = first.ref.ask<"GiveUp">({ type: "GiveUp" }, { timeoutMs: 5000 });
    await node.clock.settle();
    await given;
    expect(node.isGuardThere).toBe(false);
    expect(await permitted(node, first.ref)).toBe("NOT_GRANTED");
    expect(node.endMs).toBeLessThanOrEqual(node.clock.bootMs());
    expect(await grantsOver()).toEqual({ kind: "over", how: "stopped" });
    await node.clock.run(3000);
    expect(node.stops).toEqual([]);
    await first.stop();
    node.isGuardThere = true;
    const { ref } = node.holder();
    await node.clock.run(4000);
    expect(await node.row()).toMatchObject({ generation: 2, revoked: false, ended: null });
    expect(await permitted(node, ref)).toEqual({ guarded: true });
  });
});

describe("a master", () => {
  it("takes the grant of a lost server once it has been silent for period and margin, and not before", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const zeus = node.holder();
    const grantsOver = node.granter();
    await node.clock.run(5000);
    expect(await grantsOver()).toMatchObject({ kind: "not-before" });
    await zeus.stop();
    const lostMs = node.clock.bootMs();
    let answer = await grantsOver();
    while (answer.kind !== "over" && node.clock.bootMs() < lostMs + 60_000) {
      expect(answer.kind).toBe("not-before");
      await node.clock.run(500);
      answer = await grantsOver();
    }
    expect(answer).toEqual({ kind: "over", how: "waited" });
    expect(node.clock.bootMs()).toBeGreaterThanOrEqual(node.endMs + MARGIN_MS);
    expect(node.clock.bootMs() - lostMs).toBeLessThan(PERIOD_MS + MARGIN_MS + 2500);
    expect(await node.row()).toMatchObject({ revoked: true, ended: "waited" });
  });

  it("gives way to the server's return: it stops all, looks that nothing runs, and takes the next generation", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const first = node.holder();
    await node.clock.run(5000);
    await first.stop();
    await node.gateway.commit([update("server_grant", { logical_machine_id: node.zeus }, { revoked: true })]);
    const { ref } = node.holder();
    const endMs = node.endMs;
    expect(await permitted(node, ref, 1000)).toBe("NOT_GRANTED");
    expect(await node.row()).toMatchObject({ generation: 1, revoked: true });
    await node.clock.run(PERIOD_MS + 3000);
    expect(node.clock.bootMs()).toBeGreaterThan(endMs);
    expect(node.stops.length).toBeGreaterThanOrEqual(2);
    expect(await node.row()).toMatchObject({ generation: 2, revoked: false, ended: null });
    expect(await permitted(node, ref)).toEqual({ guarded: true });
  });

  it("runs the fence command once for a server that the members still might confirm", async () => {
    const node = await Node.create(["hades", "zeus"]);
    const zeus = node.holder();
    await node.clock.run(5000);
    await zeus.stop();
    node.isBusAway = true;
    node.fenceFails = true;
    const grantsOver = node.granter(true);
    for (let second = 0; second < 40; second += 1) {
      await grantsOver();
      await node.clock.run(1000);
    }
    expect(await grantsOver()).toMatchObject({ kind: "no" });
    expect([node.fenced, (await node.row())?.fencing]).toEqual([["zeus"], "failed"]);
    expect((await node.gateway.find("audit_log")).map(({ what }) => what)).toEqual([
      "grant.fence.begin",
      "grant.fence.end",
    ]);
    node.isBusAway = false;
    expect(await grantsOver()).toEqual({ kind: "over", how: "waited" });
  });
});
