/**
 * Three servers in virtual time: one holds a grant, one (or another) wants to be certain that it is over. The schema, the bus,
 * the clocks and the workers are as unreliable as they are allowed to be; everything follows from the seed.
 */
import { createSeededRng } from "@castellan/kernel";
import { decideHolder } from "../../src/grant/holder.ts";
import {
  beginHolding,
  endOf,
  type HolderEffect,
  type HolderEvent,
  type HolderState,
  mayLaunch,
} from "../../src/grant/holding.ts";
import { judge, observe, type Refusal, type SeenGrant } from "../../src/grant/judge.ts";
import { beginMember, confirm, type MemberState, quietFor, refuse, rowsRead } from "../../src/grant/member.ts";
import type { Grant, Terms } from "../../src/grant/terms.ts";

const MEMBERS = [1, 2, 3] as const;
const TERMS: readonly Terms[] = [
  { members: MEMBERS, periodMs: 20_000 },
  { members: MEMBERS, periodMs: 6000 },
  { members: [1, 2], periodMs: 20_000 },
  { members: [1, 2, 3, 4], periodMs: 12_000 },
  { members: [1], periodMs: 20_000 },
];
const HOLDER = 1;

export interface Outcome {
  /** What must never be, with the time. */
  readonly violations: readonly string[];
  readonly timesOver: number;
  readonly timesHeld: number;
}

/** `untilMs` of real time. */
export function simulate(seed: number, untilMs: number): Outcome {
  const rng = createSeededRng(seed);
  const chance = (odds: number): boolean => rng.next() < odds;
  const between = (least: number, most: number): number => least + rng.next() * (most - least);
  const violations: string[] = [];
  const queue: { atMs: number; act: () => void }[] = [];
  let realMs = 0;
  const later = (delayMs: number, act: () => void): void => void queue.push({ atMs: realMs + delayMs, act });

  const clocks = new Map(
    MEMBERS.map((id) => [id as number, { rate: 1 + between(-0.0009, 0.0009), zero: between(0, 1e6) }]),
  );
  const now = (id: number): number => {
    const clock = clocks.get(id);
    return clock === undefined ? realMs : clock.zero + realMs * clock.rate;
  };
  /** Whom each server reaches: 0 = the schema. Changes by the second. */
  const cut = new Set<string>();
  const reaches = (a: number, b: number): boolean => !cut.has(a < b ? `${a}-${b}` : `${b}-${a}`) && !chance(0.03);
  const travel = (a: number, b: number, act: () => void): void => {
    if (reaches(a, b)) later(chance(0.1) ? between(0, 5000) : between(0, 30), act);
  };

  let row: Grant | null = null;
  let holder: HolderState = beginHolding(HOLDER, null);
  let life = 0;
  let wanted: Terms = TERMS[0] ?? { members: [], periodMs: 0 };
  let isFrozen = false;
  const members = new Map<number, MemberState>(MEMBERS.map((id) => [id, rowsRead(beginMember(now(id)), [])]));
  let granter = 2;
  let seen: ReadonlyMap<number, SeenGrant> = new Map();
  let refusals = new Map<number, Refusal>();
  let over = 0;
  let timesOver = 0;
  let timesHeld = 0;

  const check = (): void => {
    const { row: seenAs, generation, remembered } = holder;
    const held = seenAs === "absent" ? 1 : seenAs === "unknown" ? (remembered?.generation ?? 0) : generation;
    if (held > over) return;
    if (endOf(holder) > now(HOLDER))
      violations.push(`${realMs}: ${held} is over as ${over}, held until ${endOf(holder)}`);
    if (mayLaunch(holder, now(HOLDER))) violations.push(`${realMs}: over for ${over}, and it may launch`);
  };
  const happen = (event: HolderEvent, of = life): void => {
    if (of !== life) return;
    const decision = decideHolder(holder, event, now(HOLDER));
    const isNext = holder.generation > 0 && decision.state.generation > holder.generation;
    if (isNext && endOf(holder) > now(HOLDER)) violations.push(`${realMs}: taken anew while the last one runs`);
    holder = decision.state;
    check();
    for (const effect of decision.effects) perform(effect, of);
  };
  const toSchema = (of: number, id: number, act: () => HolderEvent | null): void =>
    travel(HOLDER, 0, () => {
      const event = act();
      travel(HOLDER, 0, () => {
        if (event !== null) happen(event, of);
      });
      if (chance(0.05)) later(between(0, 100), () => happen({ type: "failed", id }, of)); // the answer was lost
    });
  const perform = (effect: HolderEffect, of: number): void => {
    switch (effect.kind) {
      case "read":
        toSchema(of, effect.id, () => ({ type: "read", id: effect.id, row }));
        break;
      case "renew":
        toSchema(of, effect.id, () => {
          const isMet =
            of === life && // else the incarnation is another's
            row !== null &&
            !row.isRevoked &&
            row.generation === effect.generation &&
            row.renewals === effect.renewals;
          if (row === null || !isMet) return { type: "refused", id: effect.id };
          row = { ...row, renewals: row.renewals + 1, terms: effect.terms };
          return { type: "written", id: effect.id };
        });
        break;
      case "take":
        toSchema(of, effect.id, () => {
          const isMet = effect.from === 0 ? row === null : row?.generation === effect.from && row.isRevoked;
          if (!isMet || of !== life) return { type: "refused", id: effect.id };
          const generation = effect.from + 1;
          if (generation <= over) violations.push(`${realMs}: generation ${generation} was taken again`);
          row = {
            serverId: HOLDER,
            generation,
            terms: effect.terms,
            renewals: 0,
            isRevoked: false,
            ended: null,
            fencing: null,
          };
          return { type: "written", id: effect.id };
        });
        break;
      case "ask":
        for (const member of effect.members) {
          travel(HOLDER, member, () => {
            const state = members.get(member);
            if (state === undefined) return;
            const answer = confirm(state, HOLDER, effect.generation, now(member));
            members.set(member, answer.state);
            if (!answer.isConfirmed) return;
            travel(member, HOLDER, () => happen({ type: "confirmed", id: effect.id, member }, of));
          });
        }
        break;
      case "sweep":
        later(between(0, 500), () => happen({ type: "swept", generation: effect.generation }, of));
        break;
      case "end-at":
      case "stop-processes":
        break;
    }
  };

  const look = (): void => {
    const by = granter;
    travel(by, 0, () => {
      const found = row;
      travel(by, 0, () => {
        if (by !== granter) return;
        seen = observe(seen, found === null ? [] : [found], now(by));
        weigh(found);
      });
    });
  };
  const weigh = (found: Grant | null): void => {
    const evidence = { grant: found, hasEverRun: true, seen: seen.get(HOLDER) ?? null, refusals };
    const verdict = judge(evidence, now(granter));
    const by = granter;
    if (verdict.kind === "revoke" && found !== null) {
      travel(by, 0, () => {
        if (row === null || row.isRevoked || row.generation !== found.generation || row.renewals !== found.renewals)
          return;
        row = { ...row, isRevoked: true };
      });
    } else if (verdict.kind === "ended" && found !== null) {
      over = Math.max(over, found.generation);
      timesOver += 1;
      check();
      if (row !== null && row.generation === found.generation) row = { ...row, ended: "waited" };
    }
    if (found?.isRevoked !== true) return;
    for (const member of found.terms.members.filter((id) => id !== HOLDER)) {
      travel(by, member, () => {
        const state = members.get(member);
        if (state === undefined) return;
        members.set(member, refuse(state, HOLDER, found.generation));
        const quietMs = quietFor(state, HOLDER, now(member));
        travel(member, by, () => {
          if (by === granter) refusals.set(member, { generation: found.generation, atMs: now(by) - quietMs });
        });
      });
    }
  };

  const everyTick = (): void => {
    if (!isFrozen) happen({ type: "tick", wanted });
    if (mayLaunch(holder, now(HOLDER))) timesHeld += 1;
    later(between(200, 300), everyTick);
  };
  const everyLook = (): void => {
    look();
    later(between(500, 1000), everyLook);
  };
  const fate = (): void => {
    const pairs = ["0-1", "1-2", "1-3", "0-2", "0-3", "2-3"];
    const pair = pairs[Math.floor(rng.next() * pairs.length)] ?? "0-1";
    if (chance(0.55)) cut.delete(pair);
    else cut.add(pair);
    if (chance(0.06)) for (const one of ["0-1", "1-2", "1-3"]) cut.add(one);
    if (chance(0.08)) cut.clear();
    if (chance(0.05)) wanted = TERMS[Math.floor(rng.next() * TERMS.length)] ?? wanted;
    if (chance(0.05)) isFrozen = !isFrozen;
    if (chance(0.03)) {
      // The worker is replaced: what it knew is lost, but for what the guard was told.
      life += 1;
      const end = endOf(holder);
      const isTold = holder.row !== "unknown" && holder.generation > 0 && end > Number.NEGATIVE_INFINITY;
      holder = beginHolding(HOLDER, isTold ? { generation: holder.generation, endMs: end } : holder.remembered);
    }
    if (chance(0.04)) {
      const id = chance(0.5) ? 2 : 3;
      if (reaches(id, 0)) members.set(id, rowsRead(beginMember(now(id)), row === null ? [] : [row]));
    }
    if (chance(0.03)) {
      granter = granter === 2 ? 3 : 2;
      seen = new Map();
      refusals = new Map();
    }
    later(between(500, 4000), fate);
  };
  everyTick();
  everyLook();
  fate();
  while (realMs < untilMs) {
    queue.sort((a, b) => a.atMs - b.atMs);
    const next = queue.shift();
    if (next === undefined) break;
    realMs = next.atMs;
    next.act();
    check();
  }
  return { violations, timesOver, timesHeld };
}
