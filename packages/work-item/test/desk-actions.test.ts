import { createSeededRng, silentLogger } from "@castellan/kernel";
import {
  type Gateway,
  insert,
  readWorkQueues,
  StoreAmbiguous,
  StoreUnavailable,
  update,
  type Write,
} from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Action } from "../src/action-decision.ts";
import { createDeskActions } from "../src/desk-actions.ts";
import { createDeskBook } from "../src/desk-book.ts";
import { Deposed, fencedCommit } from "../src/fenced-commit.ts";
import { aQueue, bootstrap, define, delivery, numbered } from "./fixtures.ts";

const NOON = new Date("2026-11-22T12:00:00.000Z");
const newClock = () => {
  let now = NOON;
  return {
    now: () => now,
    pass: (ms: number) => {
      now = new Date(now.getTime() + ms);
    },
  };
};

async function world(through: (gateway: Gateway) => Gateway = (same) => same) {
  const gateway = createMemoryGateway();
  await bootstrap(gateway);
  const clock = newClock();
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return `id-${ids}`;
  };
  const desk = (of: Gateway) => {
    const commit = fencedCommit(of, 1);
    const queues = () => readWorkQueues(of);
    const book = createDeskBook({ gateway: of, commit, queues, clock, log: silentLogger });
    return { book, actions: createDeskActions({ gateway: of, commit, book, queues, clock, newId }) };
  };
  await desk(gateway).book.apply([delivery(numbered(1))]);
  const { actions, book } = desk(through(gateway));
  return {
    gateway,
    clock,
    book,
    actions,
    desk,
    history: async () => (await gateway.find("work_item_event")).map(({ by_user, what }) => `${what} ${by_user}`),
  };
}

let requests = 0;
const nextRequest = (): string => {
  requests += 1;
  return `r${requests}`;
};
const from = (by: string, requestId = nextRequest()) => ({ caseNumber: 1, by, station: "zeus", requestId });
const open = (by: string, requestId?: string): Action => ({ type: "Open", ...from(by, requestId) });
const release = (by: string, requestId?: string): Action => ({ type: "Release", ...from(by, requestId) });

describe("the desk, asked by people", () => {
  it("lets one of two win and tells the other who and when", async () => {
    const { actions, clock, gateway, history } = await world();
    const outcomes = await Promise.allSettled([actions.act(release("ann")), actions.act(release("bob"))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    clock.pass(1000);
    await expect(actions.act(open("carl"))).rejects.toMatchObject({
      code: "NOT_OPEN",
      message: "work item 1 was released by ann at 2026-11-22 12:00:00 UTC already",
      details: { state: "released", by: "ann", at: "2026-11-22T12:00:00.000Z" },
    });
    expect(await history()).toEqual(["created $SYSTEM", "released ann"]);
    expect(await gateway.find("audit_log")).toMatchObject([
      { what: "workitem.released", by_user: "ann", station: "zeus", details: '{"caseNumber":1,"note":null}' },
    ]);
  });

  it("decides what waits together one after the other and writes it at once; one that cannot be stored hurts no other", async () => {
    let commits = 0;
    const { actions, history } = await world((real) => ({
      ...real,
      commit: (writes) => {
        commits += 1;
        return real.commit(writes);
      },
    }));
    const note: Action = { type: "Note", ...from("bob", "twice"), note: "n" };
    const answers = await actions.actAll([open("ann"), open("bob"), note, note, { ...open("ann"), caseNumber: 9 }]);
    expect(answers).toMatchObject([
      { changed: true, item: { locked_by: "ann" } },
      { code: "LOCKED", message: "work item 1 is locked by ann (on zeus) since 2026-11-22 12:00:00 UTC" },
      { changed: true },
      { changed: true },
      { code: "NO_SUCH_ITEM" },
    ]);
    expect(commits).toBe(1);
    const poison: Action = { ...open("x".repeat(65)), type: "Acknowledge" };
    const [kept, refused] = await actions.actAll([{ type: "Keep", ...from("ann") }, poison]);
    expect([kept, refused]).toMatchObject([{ changed: true, item: { state: "kept" } }, { code: "STORE_INVALID" }]);
    expect(await history()).toEqual(["created $SYSTEM", "opened ann", "noted bob", "kept ann"]);
  });

  it("names whoever holds an item, since when and from where", async () => {
    const { actions } = await world();
    await actions.act(open("ann"));
    await expect(actions.act(release("bob"))).rejects.toMatchObject({
      code: "LOCKED",
      message: "work item 1 is locked by ann (on zeus) since 2026-11-22 12:00:00 UTC",
      details: { lockedBy: "ann", since: "2026-11-22T12:00:00.000Z" },
    });
    expect((await actions.act(open("ann"))).changed).toBe(false);
    await expect(actions.act({ type: "Undo", ...from("bob") })).rejects.toMatchObject({ code: "LOCKED" });
    await actions.act({ type: "Undo", ...from("ann") });
    await expect(actions.act({ type: "Undo", ...from("ann") })).rejects.toMatchObject({ code: "NOT_LOCKED" });
  });

  it("says who may work on a group's items, and which queue was meant", async () => {
    const { actions, gateway } = await world();
    await define(gateway, { storage: aQueue({ members: ["carl"] }) });
    const to = (queue: string): Action => ({ type: "Forward", ...from("ann"), to: { queue } });
    await expect(actions.act(to("storge"))).rejects.toMatchObject({
      code: "UNKNOWN_QUEUE",
      message: expect.stringContaining("storage"),
    });
    await actions.act(to("storage"));
    await expect(actions.act(release("ann"))).rejects.toMatchObject({
      code: "NOT_PERMITTED",
      message: "work item 1 is in queue storage, and ann is not a member of it",
    });
    await actions.act({ type: "Forward", ...from("carl"), to: { user: "bob" } });
    await expect(actions.act(release("ann"))).rejects.toMatchObject({
      message: "work item 1 is in the own queue of bob, not of ann",
    });
    expect((await actions.act(release("bob"))).item.state).toBe("released");
  });

  it("does the same request once and answers it again", async () => {
    const { actions, history } = await world();
    const note: Action = { type: "Note", ...from("ann", "same"), note: "once" };
    expect([(await actions.act(note)).changed, (await actions.act(note)).changed]).toEqual([true, true]);
    expect(await actions.act(release("ann", "rel"))).toMatchObject({ changed: true, item: { state: "released" } });
    expect(await actions.act(release("ann", "rel"))).toMatchObject({ changed: true, item: { state: "released" } });
    expect(await history()).toEqual(["created $SYSTEM", "noted ann", "released ann"]);
    await expect(actions.act(release("bob", "rel"))).rejects.toMatchObject({ code: "REQUEST_ID_USED" });
  });

  it("changes nothing in an epoch that is over", async () => {
    const { actions, gateway, history } = await world();
    await gateway.commit([update("node_state", { id: 1 }, { epoch: 2 })]);
    await expect(actions.act(release("ann"))).rejects.toBeInstanceOf(Deposed);
    expect(await history()).toEqual(["created $SYSTEM"]);
    expect(await gateway.find("audit_log")).toEqual([]);
  });

  it("property: over a database that fails and loses answers, each request is done once or not at all, and the answer is true", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const rng = createSeededRng(seed);
        const { actions, gateway } = await world((real) => unreliable(real, () => rng.next()));
        const said = new Map<string, boolean>();
        for (let at = 0; at < 40; at += 1) {
          const by = ["ann", "bob", "carl"][Math.floor(rng.next() * 3)] ?? "ann";
          const requestId = `${seed}-${at}`;
          const note: Action = { type: "Note", ...from(by, requestId), note: "n" };
          const kind = rng.next();
          const action: Action =
            kind < 0.4 ? open(by, requestId) : kind < 0.7 ? { type: "Keep", ...from(by, requestId) } : note;
          for (let again = 0; again < 2; again += 1) {
            try {
              const { changed } = await actions.act(action);
              said.set(requestId, changed);
              break;
            } catch (thrown) {
              if (thrown instanceof StoreUnavailable || thrown instanceof StoreAmbiguous) continue;
              said.set(requestId, false); // refused
              break;
            }
          }
        }
        const lines = await gateway.find("work_item_event", { where: { request_id: { not: null } } });
        const done = lines.map((line) => line.request_id ?? "");
        expect(new Set(done).size).toBe(done.length);
        for (const [request, changed] of said) expect(done.includes(request), request).toBe(changed);
        const [item] = await gateway.find("work_item");
        expect(item?.row_version).toBe(lines.length + 1);
        expect(await gateway.find("audit_log")).toHaveLength(lines.length);
      }),
      { numRuns: 60 },
    );
  });
});

function unreliable(gateway: Gateway, chance: () => number): Gateway {
  return {
    ...gateway,
    commit: async (writes: readonly Write[]) => {
      const roll = chance();
      if (roll < 0.1) throw new StoreUnavailable("away");
      if (roll < 0.2) throw new StoreAmbiguous("it did not happen");
      const answer = await gateway.commit(writes);
      if (roll < 0.35) throw new StoreAmbiguous("it did happen");
      return answer;
    },
  };
}

const on = (caseNumber: number, action: Action): Action => ({ ...action, caseNumber });

describe("the desk, asked by time", () => {
  it("raises and forwards what nobody acknowledges, along the chain, and then lets it be", async () => {
    const { actions, book, clock, gateway, history } = await world();
    await define(gateway, {
      swadmin: aQueue({ deadlines: { error: 60_000 }, escalateTo: "duty" }),
      duty: aQueue({ deadlines: { error: 120_000 } }),
    });
    await book.apply([delivery(numbered(2, "raised", { cause: "other" }))]);
    await gateway.commit([update("work_item", { case_number: 1 }, { due_at: null })]);
    const passes = async (ms: number): Promise<number> => {
      clock.pass(ms);
      return actions.escalate();
    };
    expect(await passes(59_000)).toBe(0);
    expect(await passes(2000)).toBe(1);
    const [, first] = await gateway.find("work_item");
    expect(first).toMatchObject({ queue_name: "duty", priority: 10, escalated: true, state: "new" });
    expect(first?.deadline?.getTime()).toBe(clock.now().getTime() + 120_000);
    expect(await passes(1000)).toBe(0);
    expect(await passes(120_000)).toBe(1);
    expect((await gateway.find("work_item"))[1]).toMatchObject({ queue_name: "duty", due_at: null });
    expect(await passes(999_999)).toBe(0);
    expect((await history()).slice(-2)).toEqual(["escalated $SYSTEM", "escalated $SYSTEM"]);
  });

  it("leaves alone what is acknowledged, held, silenced or finished; what is given back late escalates then", async () => {
    const { actions, clock, gateway, book } = await world();
    await define(gateway, { swadmin: aQueue({ deadlines: { error: 60_000 } }) });
    await book.apply([2, 3, 4, 5].map((at) => delivery(numbered(at, "raised", { cause: `cause-${at}` }))));
    await gateway.commit([update("work_item", { case_number: 1 }, { due_at: null })]);
    await actions.act(on(2, { type: "Acknowledge", ...from("ann") }));
    await actions.act(on(3, open("ann")));
    await actions.act(on(4, { type: "Silence", ...from("ann"), forMs: 600_000 }));
    await actions.act(on(5, release("ann")));
    clock.pass(61_000);
    expect(await actions.escalate()).toBe(0);
    await actions.act(on(3, { type: "Undo", ...from("ann") }));
    expect(await actions.escalate()).toBe(1);
    clock.pass(600_000);
    expect(await actions.escalate()).toBe(1);
    const rows = await gateway.find("work_item", { where: { escalated: true } });
    expect(rows.map((row) => row.case_number)).toEqual([3, 4]);
  });
});

describe("an item of a server that is lost", () => {
  it("escalates only when its server is back, however many others are due; the server's own item does not wait", async () => {
    const { actions, book, clock, gateway } = await world();
    await define(gateway, { swadmin: aQueue({ deadlines: { error: 60_000, critical: 60_000 } }) });
    await gateway.commit([update("work_item", { case_number: 1 }, { due_at: null })]);
    const many = Array.from({ length: 101 }, (_, at) => delivery(numbered(at + 2, "raised", { cause: `c-${at}` })));
    await book.apply(many);
    await book.apply([
      delivery(numbered(1, "raised", { cause: "elsewhere", server: "zeus" }, "box-zeus")),
      delivery(numbered(103, "raised", { cause: "lost", kind: "server", severity: "critical" })),
    ]);
    clock.pass(61_000);
    const escalated = async (): Promise<number> => {
      for (let count = await actions.escalate(); count > 0; ) count = await actions.escalate();
      return (await gateway.find("work_item", { where: { escalated: true } })).length;
    };
    expect(await escalated()).toBe(2);
    await book.apply([delivery(numbered(104, "resolved", { cause: "lost", kind: "server", severity: "critical" }))]);
    expect(await escalated()).toBe(103);
  });
});

describe("a silenced cause", () => {
  it("makes no new item until the time is over; what happens is counted on the released one", async () => {
    const { actions, book, clock, gateway } = await world();
    await actions.act({ type: "Silence", ...from("ann"), forMs: 3_600_000 });
    await actions.act(release("ann"));
    await book.apply([delivery(numbered(2, "repeated", { details: { reasserted: true } }))]);
    await book.apply([delivery(numbered(3, "repeated"))]);
    expect(await gateway.find("work_item")).toMatchObject([{ state: "released", occurrences: 2 }]);
    clock.pass(3_600_001);
    await book.apply([delivery(numbered(4, "repeated", { details: { reasserted: true } }))]);
    expect(await gateway.find("work_item")).toMatchObject([{ state: "released" }, { state: "new", occurrences: 1 }]);
  });
});

const letter = (id: string, body: string) =>
  insert("alert_dead_letter", { id, server_name: "hades", reason: "no", body, happened_at: NOON });
const retry = (id: string, requestId = nextRequest()) => ({ id, by: "ann", station: "zeus", requestId });

describe("dead letters", () => {
  it("are applied when they can be: with their envelope, or without as raised; once", async () => {
    const { actions, gateway } = await world();
    const bare = JSON.stringify({ ...numbered(1).alert, cause: "bare" });
    await gateway.commit([letter("one", JSON.stringify(numbered(9, "repeated"))), letter("two", bare)]);
    expect(await actions.retry(retry("one", "same"))).toBe(1);
    expect(await actions.retry(retry("one", "same"))).toBe(1);
    expect(await actions.retry(retry("two"))).toBe(2);
    expect(await gateway.find("work_item")).toMatchObject([{ occurrences: 2 }, { occurrences: 1, cause: "bare" }]);
    expect(await gateway.find("alert_dead_letter")).toEqual([]);
    expect(await gateway.find("audit_log")).toMatchObject([{ what: "workitem.dead-letter-retried" }, {}]);
    await expect(actions.retry(retry("one"))).rejects.toMatchObject({ code: "NO_SUCH_LETTER" });
  });

  it("stay when they cannot: what is no alert, and what the schema still refuses", async () => {
    const { actions, gateway } = await world();
    const poison = JSON.stringify(numbered(9, "raised", { server: "h".repeat(65), cause: "poison" }));
    await gateway.commit([letter("noise", "\u0001\u0002"), letter("poison", poison)]);
    for (const id of ["noise", "poison"]) {
      await expect(actions.retry(retry(id))).rejects.toMatchObject({ code: "STILL_DEAD" });
    }
    expect(await gateway.find("alert_dead_letter")).toHaveLength(2);
    expect(await gateway.find("audit_log")).toEqual([]);
  });
});
