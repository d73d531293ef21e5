/**
 * The mark of an exchange (`run/upgrading`): who is about to take the place of a pair. It outlives whoever made it, for that is what it is
 * for, and is bound by who that was: it says nothing once a sentinel has come up again, nor after a boot of the host.
 */
import { rmSync, writeFileSync } from "node:fs";
import { readSmallFileSync } from "@castellan/kernel";
import { isProcessIdentity, type ProcessIdentity, type ProcReader } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { livingPart } from "./part.ts";

/** `interrupted`: the pair has ended, and the next never began. */
export type ExchangeState = "none" | "under way" | "interrupted";

const MAX_MARK_BYTES = 4096;

/** Pure. */
export function exchangeState(facts: {
  readonly mark: Pick<ProcessIdentity, "bootId"> | null;
  readonly isMakerAlive: boolean;
  readonly hasPair: boolean;
  readonly bootId: string;
}): ExchangeState {
  const { mark, isMakerAlive, hasPair, bootId } = facts;
  if (mark === null) return "none";
  if (isMakerAlive) return "under way";
  return hasPair || mark.bootId !== bootId ? "none" : "interrupted";
}

export function lookAtExchange(paths: HomePaths, proc: ProcReader): ExchangeState {
  const mark = readMark(paths);
  return exchangeState({
    mark,
    isMakerAlive: mark !== null && proc.isAlive(mark),
    hasPair: livingPart(paths, "watcher", proc) !== null || livingPart(paths, "worker", proc) !== null,
    bootId: proc.bootId,
  });
}

export function makeMark(paths: HomePaths, maker: ProcessIdentity): void {
  writeFileSync(paths.upgrading, `${JSON.stringify(maker)}\n`);
}

/** A sentinel has come up: whatever is left of an exchange is over, unless somebody is at it. */
export function forgetMark(paths: HomePaths, proc: ProcReader): void {
  const mark = readMark(paths);
  if (mark === null || mark.pid === process.pid || !proc.isAlive(mark)) rmSync(paths.upgrading, { force: true });
}

function readMark(paths: HomePaths): ProcessIdentity | null {
  try {
    const mark: unknown = JSON.parse(readSmallFileSync(paths.upgrading, MAX_MARK_BYTES).toString("utf8"));
    return isProcessIdentity(mark) ? mark : null;
  } catch {
    return null; // no file, or half of one: its maker had ended nothing yet
  }
}
