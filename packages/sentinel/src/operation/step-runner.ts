/**
 * The step runner: performs the steps of its server. Runs on every server; knows no plan, only steps that are ready.
 *
 * R1 A step is performed only after it was claimed in SQL, guarded by the epoch in the step's own row and by the incarnation
 *    of this sentinel. A claim that took too long to be confirmed is checked again before anything is done.
 * R2 A claimed step that nobody performs (its worker died, or the confirmation got lost) is claimed again and performed with
 *    the same launch id: who brings a process to a state does nothing where that launch has done it already.
 * R3 A result is kept and offered until it is recorded. One that comes too late (the step was superseded, or a later
 *    incarnation has it) touches no row.
 * R4 A later incarnation of this server ends it (`onSuperseded`, once).
 */
import { type ActorContext, type Behavior, receive, restart, setup, supervise } from "@castellan/actor";
import { CastellanError } from "@castellan/kernel";
import { DesiredState, type ProcessStatus } from "@castellan/protocol";
import { type Gateway, type Row, StoreConflict, update, type Write } from "@castellan/store";
import { stillCurrent } from "../role/incarnation.ts";
import { clip } from "./wave.ts";
import { withDeadline } from "./with-deadline.ts";

export interface StepToPerform {
  readonly type: string;
  readonly instance: number;
  readonly desired: DesiredState;
  /** The same however often the step is performed. */
  readonly launchId: string;
}

export interface StepRunnerDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly incarnation: number;
  /** Resolves when the instance is there; rejects with the reason, a `CastellanError` when it is an expected one. */
  readonly bring: (step: StepToPerform) => Promise<{ readonly status: ProcessStatus; readonly comment: string }>;
  /** False: it stays ready for now, and is looked at again. Default: always true. */
  readonly mayClaim?: (step: Pick<StepToPerform, "type" | "desired">) => boolean;
  /** The highest epoch that this server has seen: what the schema shows under an earlier one is of a past that is over. */
  readonly seenEpoch?: () => number;
  /** How long `bring` may take before the step counts as failed, milliseconds. */
  readonly deadlineOf: (step: StepToPerform) => number;
  /**
   * Resolves when the statuses that instances have reached so far are on record, or after a bound when they cannot be: a
   * result comes after the status it stands for, and who sees a plan end sees what it has brought about.
   */
  readonly recorded: () => Promise<unknown>;
  /** Tells the conductor to look at the plan. Must not throw; may get lost. */
  readonly finished: (operationId: string) => void;
  /** A later worker of this server has started. Called once. */
  readonly onSuperseded: () => void;
}

const POLL_MS = 1000;
/** Steps in one commit. */
const BATCH = 100;
/** A claim confirmed later than this after it was sent is looked at again, not performed. */
const CLAIM_EXPIRY_MS = 2000;

type StepRow = Row<"operation_step">;
interface Result {
  readonly id: string;
  readonly operationId: string;
  readonly state: "done" | "failed";
  readonly text: string;
}
type Private =
  | { readonly type: "Poll" }
  | { readonly type: "Performed"; readonly result: Result }
  | { readonly type: "Flush" };
export type StepRunnerCommand = { readonly type: "Wake" } | Private;

export function createStepRunner(deps: StepRunnerDeps): Behavior<StepRunnerCommand> {
  const behavior = setup<StepRunnerCommand>((context) => run(deps, context));
  const backoff = { firstMs: 100, maxMs: 5000 };
  return supervise(behavior, restart({ maxRestarts: 10, withinMs: 60_000, backoff }));
}

function run(deps: StepRunnerDeps, context: ActorContext<StepRunnerCommand>): Behavior<StepRunnerCommand> {
  const { gateway, serverId, incarnation } = deps;
  const { clock, log, timers, self } = context;
  const inFlight = new Set<string>();
  const results = new Map<string, Result>();
  let superseded = false;
  let pollQueued = false;
  let flushQueued = false;

  const supersede = (): void => {
    if (superseded) return;
    superseded = true;
    timers.cancel("poll");
    log.warn("a later worker of this server has started: performing no more steps", { incarnation });
    deps.onSuperseded();
  };

  /** What of the batch is ours now. */
  const claim = async (batch: readonly StepRow[]): Promise<readonly StepRow[]> => {
    let left = batch;
    while (left.length > 0) {
      const now = clock.now();
      const sentMs = clock.bootMs();
      try {
        await gateway.commit([
          stillCurrent(serverId, incarnation, now),
          ...left.map((row) => claimWrite(row, incarnation, now)),
        ]);
        return clock.bootMs() - sentMs <= CLAIM_EXPIRY_MS ? left : [];
      } catch (thrown) {
        if (!(thrown instanceof StoreConflict)) throw thrown;
        if (thrown.index === 0) {
          supersede();
          return [];
        }
        // Moved on since it was read, by a take-over or because it was superseded: the others may still be ours.
        const missed = thrown.index - 1;
        left = left.filter((_, at) => at !== missed);
      }
    }
    return left;
  };

  const perform = (row: StepRow): void => {
    const { id, operation_id: operationId } = row;
    const performed = (state: Result["state"], text: string): StepRunnerCommand => ({
      type: "Performed",
      result: { id, operationId, state, text: clip(text) },
    });
    inFlight.add(id);
    const desired = DesiredState.safeParse(row.desired);
    if (!desired.success) {
      // Somebody has changed the row by hand.
      self.tell(performed("failed", `operation_step ${id} asks for ${JSON.stringify(row.desired)}, which is no state`));
      return;
    }
    const step: StepToPerform = {
      type: row.logical_process_name,
      instance: row.logical_process_instance,
      desired: desired.data,
      launchId: row.launch_id,
    };
    context.pipeToSelf(
      withDeadline(clock, deps.deadlineOf(step), () => deps.bring(step)),
      {
        ok: ({ comment }) => performed("done", comment),
        failed: (error) => performed("failed", reasonOf(error)),
      },
    );
  };

  const mayClaim = ({ epoch, logical_process_name: type, desired: text }: StepRow): boolean => {
    if (epoch < (deps.seenEpoch?.() ?? 0)) return false;
    const desired = DesiredState.safeParse(text);
    return !desired.success || deps.mayClaim?.({ type, desired: desired.data }) !== false;
  };

  const poll = async (): Promise<void> => {
    const rows = await gateway.find("operation_step", {
      where: { state: { in: ["ready", "claimed"] }, logical_machine_id: serverId },
      orderBy: [{ column: "operation_id" }, { column: "seq" }],
    });
    if (rows.some((row) => row.claimed_by !== null && row.claimed_by > incarnation)) supersede();
    const fresh = rows.filter((row) => !inFlight.has(row.id) && !results.has(row.id) && mayClaim(row));
    for (let at = 0; at < fresh.length; at += BATCH) {
      if (superseded) return;
      for (const row of await claim(fresh.slice(at, at + BATCH))) perform(row);
    }
  };

  const flush = async (): Promise<void> => {
    while (results.size > 0) {
      const batch = [...results.values()].slice(0, BATCH);
      await deps.recorded();
      const touched = await gateway.commit(batch.map((result) => finishWrite(result, incarnation, clock.now())));
      const operations = new Set<string>();
      for (const [at, { id, operationId }] of batch.entries()) {
        results.delete(id);
        if ((touched[at] ?? 0) > 0) operations.add(operationId);
      }
      for (const operationId of operations) deps.finished(operationId);
    }
  };

  /** Expected failures wait for the next poll; a defect is thrown on. */
  const patiently = async (work: () => Promise<void>, message: string): Promise<void> => {
    if (superseded) return;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof CastellanError)) throw thrown;
      log.warn(message, { error: thrown, inMs: POLL_MS });
    }
  };
  const flushPatiently = (): Promise<void> => patiently(flush, "results of steps could not be recorded; trying again");
  const pollPatiently = (): Promise<void> => patiently(poll, "steps could not be claimed; trying again");

  const wake = (): void => {
    if (pollQueued) return;
    pollQueued = true;
    self.tell({ type: "Poll" });
  };

  timers.every("poll", POLL_MS, { type: "Wake" });
  wake();

  return receive<StepRunnerCommand>({
    Wake: wake,
    async Poll() {
      pollQueued = false;
      await flushPatiently();
      await pollPatiently();
    },
    Performed({ result }) {
      inFlight.delete(result.id);
      results.set(result.id, result);
      // What else has come in by then goes with it, in one commit.
      if (!flushQueued) self.tell({ type: "Flush" });
      flushQueued = true;
    },
    async Flush() {
      flushQueued = false;
      await flushPatiently();
    },
  });
}

function claimWrite(row: StepRow, incarnation: number, now: Date): Write {
  const where =
    row.state === "ready"
      ? { id: row.id, state: "ready", epoch: row.epoch }
      : { id: row.id, state: "claimed", claimed_by: row.claimed_by };
  return update("operation_step", where, { state: "claimed", claimed_by: incarnation, claimed_at: now });
}

function finishWrite({ id, state, text }: Result, incarnation: number, now: Date): Write {
  const where = { id, state: "claimed", claimed_by: incarnation };
  return update("operation_step", where, { state, result_text: text, finished_at: now }, "any");
}

function reasonOf(error: Error): string {
  return error instanceof CastellanError ? `${error.code}: ${error.message}` : error.message;
}
