/**
 * One user at the inbox, in a thread of their own with a connection of their own: does one thing after the other to items
 * that others work on too, half the time to the same few, and writes down what was answered. Now and then the same request
 * goes out twice at once, as after a lost answer.
 */
import { parentPort, workerData } from "node:worker_threads";
import { AskTimeout } from "@castellan/actor";
import { CastellanError, createSeededRng } from "@castellan/kernel";
import { Desk } from "@castellan/protocol";
import type { Action } from "../../src/action-decision.ts";
import { connectHost } from "./host.ts";
import { type LedgerLine, UserTask } from "./user-task.ts";

const HOT_CASES = 50;
const ASK_MS = 10_000;
const HOUR_MS = 3_600_000;

function say(what: unknown): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  parentPort?.postMessage(what);
}

async function work(task: UserTask): Promise<LedgerLine[]> {
  const rng = createSeededRng(task.seed);
  const host = await connectHost(task.user, task.url);
  const desk = host.system.remote(Desk, { host: "master" });
  const ledger: LedgerLine[] = [];
  const held: number[] = [];
  const pick = (below: number): number => Math.floor(rng.next() * below);

  function next(): Action {
    const mine = held.length > 0 && rng.next() < 0.5 ? held[pick(held.length)] : undefined;
    const caseNumber = mine ?? 1 + pick(rng.next() < 0.5 ? Math.min(HOT_CASES, task.cases) : task.cases);
    const who = { caseNumber, by: task.user, station: "load", requestId: host.newId() };
    const roll = pick(100);
    if (roll < 28) return { type: "Open", ...who };
    if (roll < 40) return { type: "Keep", ...who };
    if (roll < 52) return { type: "Undo", ...who };
    if (roll < 54) return { type: "BreakLock", ...who };
    if (roll < 60) return { type: "Release", ...who };
    if (roll < 75) return { type: "Note", ...who, note: `seen by ${task.user}` };
    if (roll < 83) return { type: "Acknowledge", ...who };
    if (roll < 91) return { type: "Assign", ...who, to: `user-${pick(8)}` };
    if (roll < 96) return { type: "Silence", ...who, forMs: HOUR_MS };
    return { type: "Forward", ...who, to: { queue: rng.next() < 0.5 ? "swadmin" : "storage" } };
  }

  async function send(action: Action): Promise<string> {
    try {
      return (await desk.ask(action, { timeoutMs: ASK_MS })).changed ? "changed" : "unchanged";
    } catch (thrown) {
      if (thrown instanceof AskTimeout || !(thrown instanceof CastellanError) || thrown.retryable) return "unknown";
      return thrown.code;
    }
  }

  // All begin together, whoever was connected first.
  const go = new Promise((resolve) => parentPort?.once("message", resolve));
  say("ready");
  await go;
  const untilMs = Date.now() + task.forMs;
  for (let done = 0; done < task.most && Date.now() < untilMs; done += 1) {
    const action = next();
    const { by, caseNumber, requestId, type } = action;
    const atMs = performance.timeOrigin + performance.now();
    const outcomes = await Promise.all(rng.next() < 0.05 ? [send(action), send(action)] : [send(action)]);
    const tookMs = performance.timeOrigin + performance.now() - atMs;
    for (const outcome of outcomes) ledger.push({ requestId, type, caseNumber, by, outcome, atMs, tookMs });
    if (outcomes[0] !== "changed") continue;
    if (type === "Open") held.push(caseNumber);
    else if (type !== "Note" && type !== "Acknowledge" && held.includes(caseNumber)) {
      held.splice(held.indexOf(caseNumber), 1);
    }
  }
  await host.close();
  return ledger;
}

work(UserTask.parse(workerData)).then(say, (thrown: unknown) => {
  throw thrown; // ends the thread: whoever started it hears why
});
