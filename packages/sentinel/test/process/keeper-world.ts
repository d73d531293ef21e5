/** A world of one instance for the keeper's table: a process that may die, a disk, timers, a worker that may be killed. */
import type { DesiredState } from "@castellan/protocol";
import { expect } from "vitest";
import type { ProcessIdentity } from "../../src/process/identity.ts";
import { decide } from "../../src/process/keeper-decide.ts";
import { fromRecord, toRecord } from "../../src/process/keeper-memory.ts";
import { initialState, type KeeperEffect, type KeeperEvent, sameProcess } from "../../src/process/keeper-state.ts";
import type { ProcessRecord } from "../../src/process/record.ts";
import type { RestartPolicy } from "../../src/process/restart-window.ts";

export const policy: RestartPolicy = { autoRestarts: true, maxRestarts: 3, windowMs: 60_000 };
const key = { type: "WIS", instance: 1 };

export const processNo = (pid: number, launchId = "order-1"): ProcessIdentity => ({
  pid,
  startTime: pid,
  bootId: "boot",
  launchId,
});

export type LaunchFate = "runs" | "permanent" | "transient" | "unrecorded" | "not-granted";

/** Performs the effects; checks with every launch that nothing of the instance is left. */
export class KeeperModel {
  state = initialState;
  nowMs = 1000;
  live: ProcessIdentity | null = null;
  leftovers: ProcessIdentity | null = null;
  launches = 0;
  nextLaunch: LaunchFate = "runs";
  leavesLeftovers = false;
  ignoresStop = false;
  dying: ProcessIdentity | null = null;
  probing: ProcessIdentity | null = null;
  readonly timers = new Set<"grace" | "kill" | "backoff">();
  disk: ProcessRecord | null = null;
  readonly answers = new Map<number, string>();
  readonly log: string[] = [];
  alerts: { cause: string; phase: string }[] = [];
  #asked = 0;
  #pid = 100;

  order(desired: DesiredState, launchId: string, isPausable = true): number {
    this.#asked += 1;
    this.happen({ type: "bring", asker: this.#asked, desired, launchId, isPausable });
    return this.#asked;
  }

  happen(first: KeeperEvent): void {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const decision = decide(this.state, event, this.nowMs);
      this.state = decision.state;
      for (const effect of decision.effects) {
        const follows = this.#perform(effect);
        if (follows !== null) events.push(follows);
      }
    }
  }

  die(how = "exit code 1"): void {
    const process = this.live;
    if (process === null) return;
    this.#end();
    if (this.dying !== null && sameProcess(this.dying, process)) this.#tellGone();
    else this.happen({ type: "exited", process, how, lastLine: null, policy });
  }

  ready(isReady: boolean): void {
    const process = this.probing;
    if (process === null) return;
    this.probing = null;
    this.happen(isReady ? { type: "ready", process } : { type: "not-ready", process, reason: "not ready", policy });
  }

  fire(key: "grace" | "kill" | "backoff"): void {
    if (!this.timers.delete(key)) return;
    if (key === "grace") this.happen({ type: "grace-elapsed" });
    else if (key === "kill") this.happen({ type: "kill-overdue" });
    else this.happen({ type: "backoff-elapsed" });
  }

  alertTold(): void {
    for (const { cause, phase } of this.alerts.splice(0)) {
      if (phase !== "raised")
        this.happen({ type: "alert-told", cause, phase: phase === "raise" ? "raise" : "resolve" });
    }
  }

  /** The worker is killed, the process is not; the next one begins from the disk. */
  crash(): void {
    this.timers.clear();
    this.dying = null;
    this.probing = null;
    const record = this.disk;
    this.state = record === null ? initialState : fromRecord(record);
    // Nobody answers any more: the askers have lost their keeper.
    for (let asker = 1; asker <= this.#asked; asker += 1) if (!this.answers.has(asker)) this.answers.set(asker, "lost");
    if (record === null) return;
    const base = { type: "restored", recorded: record.phase, policy, isReady: record.isReady } as const;
    if (this.live !== null) this.happen({ ...base, found: { kind: "alive", process: this.live } });
    else if (record.identity === null) this.happen({ ...base, found: { kind: "nothing", hasRebooted: false } });
    else {
      const hasLeftovers = this.leftovers !== null;
      this.happen({ ...base, found: { kind: "dead", process: record.identity, hasLeftovers, isTold: false } });
    }
  }

  get unanswered(): number {
    return this.#asked - this.answers.size;
  }

  #end(): void {
    if (this.leavesLeftovers) this.leftovers = this.live;
    this.live = null;
    this.leavesLeftovers = false;
  }

  #tellGone(): void {
    if (this.dying === null || this.live !== null || this.leftovers !== null) return;
    const process = this.dying;
    this.dying = null;
    this.happen({ type: "gone", process });
  }

  #perform(effect: KeeperEffect): KeeperEvent | null {
    this.log.push(effect.kind === "report" ? `report ${effect.what}` : effect.kind);
    switch (effect.kind) {
      case "save":
        this.disk = toRecord(this.state, { key, since: null, logOffset: 0, definition: null });
        return null;
      case "launch":
        return this.#launch(effect.launchId);
      case "await-ready":
        this.probing = effect.process;
        return null;
      case "end-ready":
        this.probing = null;
        return null;
      case "signal":
        if (effect.signal === "kill") {
          if (this.live !== null && sameProcess(this.live, effect.process)) this.#end();
          if (this.live === null) this.leftovers = null;
        } else if (effect.signal === "stop" && !this.ignoresStop) {
          if (this.live !== null && sameProcess(this.live, effect.process)) this.#end();
        }
        return null;
      case "await-gone": {
        this.dying = effect.process;
        if (this.live !== null || this.leftovers !== null) return null;
        this.dying = null;
        return { type: "gone", process: effect.process };
      }
      case "timer":
        this.timers.add(effect.key);
        return null;
      case "backoff":
        this.timers.add("backoff");
        return null;
      case "cancel":
        this.timers.delete(effect.key);
        return null;
      case "answer":
        return this.#settle(effect.asker, `${effect.status}: ${effect.comment}`);
      case "refuse":
        return this.#settle(effect.asker, effect.code);
      case "alert":
        this.alerts.push(effect.alert);
        return null;
      case "watch":
      case "report":
      case "complain":
        return null;
    }
  }

  #launch(launchId: string): KeeperEvent {
    expect(this.live, "launched beside a live process").toBeNull();
    expect(this.leftovers, "launched beside leftovers").toBeNull();
    if (this.nextLaunch !== "runs") {
      return { type: "launch-failed", launchId, reason: "it cannot", kind: this.nextLaunch, policy };
    }
    // The driver writes the intent first.
    if (this.disk?.launchId !== launchId || this.disk.wish === "STOPPED" || this.disk.phase === "stopped") {
      this.disk = toRecord(this.state, { key, since: null, logOffset: 0, definition: null });
    }
    this.launches += 1;
    this.#pid += 1;
    this.live = processNo(this.#pid, launchId);
    return { type: "launched", launchId, process: this.live };
  }

  #settle(asker: number, how: string): null {
    expect(this.answers.has(asker), `asker ${asker} answered twice`).toBe(false);
    this.answers.set(asker, how);
    return null;
  }
}
