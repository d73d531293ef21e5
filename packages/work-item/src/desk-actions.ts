/**
 * What people ask of the desk, and what time asks of it, as fenced commits.
 *
 * P1 An action is decided on what was read and committed behind the version that was read: of two at the same moment the
 *    later one is decided on what the earlier one has made of the item.
 * P2 The id of a request stands in the line of history that it made, once in the whole schema: a request that comes again,
 *    or whose answer was lost, is answered from there.
 * P3 Each action goes into the audit with its commit, or not at all.
 */
import { CastellanError, type Clock, ensureError, type IdSource } from "@castellan/kernel";
import {
  type Gateway,
  insert,
  remove,
  StoreAmbiguous,
  StoreConflict,
  StoreDuplicate,
  type Write,
} from "@castellan/store";
import { type Action, decideAction } from "./action-decision.ts";
import { alertOf } from "./dead-letter.ts";
import { itemWrites } from "./desk-batch.ts";
import { ATTEMPTS, type DeskBook, isPassing } from "./desk-book.ts";
import { decideEscalation } from "./escalation-decision.ts";
import type { FencedCommit } from "./fenced-commit.ts";
import { type HistoryRow, type ItemRow, type Queues, storable } from "./item-line.ts";
import { refusalOf } from "./refusal.ts";

export interface DeskActionsDeps {
  readonly gateway: Gateway;
  readonly commit: FencedCommit;
  readonly book: Pick<DeskBook, "applyOne">;
  readonly queues: () => Promise<Queues>;
  readonly clock: Pick<Clock, "now">;
  readonly newId: IdSource;
}

export interface Letter {
  readonly id: string;
  readonly by: string;
  readonly station: string;
  readonly requestId: string;
}

export interface DeskActions {
  /** Rejects with the refusals of `Desk`, `Deposed`, or a retryable error. */
  act(action: Action): Promise<{ readonly item: ItemRow; readonly changed: boolean }>;
  /** Escalates what is due; answers how many items. */
  escalate(): Promise<number>;
  /** Rejects with `NO_SUCH_LETTER`, `STILL_DEAD`, `Deposed`, or a retryable error. Answers the case it belongs to. */
  retry(letter: Letter): Promise<number | null>;
}

/** Items that are escalated in one commit. */
const AT_ONCE = 100;

export function createDeskActions(deps: DeskActionsDeps): DeskActions {
  const { book, clock, commit, gateway, newId, queues } = deps;

  const audit = ({ by, station }: Pick<Letter, "by" | "station">, what: string, details: object): Write =>
    insert("audit_log", {
      id: newId(),
      happened_at: clock.now(),
      by_user: storable(by),
      station: storable(station),
      what,
      details: JSON.stringify(details),
    });

  async function lineOfRequest(requestId: string): Promise<HistoryRow | undefined> {
    const [line] = await gateway.find("work_item_event", { where: { request_id: requestId }, limit: 1 });
    return line;
  }

  async function attempt(action: Action): Promise<{ item: ItemRow; changed: boolean }> {
    const { caseNumber, requestId } = action;
    const [[item], line, defined] = await Promise.all([
      gateway.find("work_item", { where: { case_number: caseNumber } }),
      lineOfRequest(requestId),
      queues(),
    ]);
    if (item === undefined) {
      throw new CastellanError("NO_SUCH_ITEM", `there is no work item ${caseNumber}`, { details: { caseNumber } });
    }
    if (line !== undefined) return answerAgain(line, item, action);
    const decision = decideAction(item, action, defined, clock.now());
    switch (decision.kind) {
      case "refused":
        throw await refusalOf(decision.code, item, action, { gateway, queues: defined });
      case "unchanged":
        return { item, changed: false };
      case "step": {
        const { history, item: next } = decision;
        const details = { caseNumber, note: history.note };
        await commit([
          ...itemWrites({ versionBefore: item.row_version, item: next, history: [history] }),
          audit(action, `workitem.${history.what}`, details),
        ]);
        return { item: next, changed: true };
      }
    }
  }

  return {
    async act(action) {
      for (let left = ATTEMPTS; ; left -= 1) {
        try {
          return await attempt(action);
        } catch (thrown) {
          const again =
            thrown instanceof StoreConflict || thrown instanceof StoreDuplicate || thrown instanceof StoreAmbiguous;
          if (!again || left <= 1) throw thrown;
        }
      }
    },

    async escalate() {
      const now = clock.now();
      const due = await gateway.find("work_item", {
        where: { due_at: { below: now }, locked_by: null },
        orderBy: [{ column: "due_at" }],
        limit: AT_ONCE,
      });
      if (due.length === 0) return 0;
      const defined = await queues();
      const steps = due.flatMap((item) => {
        const step = decideEscalation(item, defined, now);
        return step === null ? [] : [{ versionBefore: item.row_version, item: step.item, history: [step.history] }];
      });
      if (steps.length > 0) await commit(steps.flatMap(itemWrites));
      return steps.length;
    },

    async retry({ id, requestId, ...who }) {
      const done = await lineOfRequest(requestId);
      if (done !== undefined) return done.case_number;
      const [letter] = await gateway.find("alert_dead_letter", { where: { id } });
      if (letter === undefined) throw new CastellanError("NO_SUCH_LETTER", `there is no dead letter ${id}`);
      const alert = alertOf(letter);
      if (alert === null) throw stillDead(id, "it is no alert");
      try {
        await book.applyOne(alert, requestId, [
          remove("alert_dead_letter", { id }, 1),
          audit(who, "workitem.dead-letter-retried", { id, server: letter.server_name }),
        ]);
      } catch (thrown) {
        if (isPassing(thrown) || thrown instanceof StoreConflict) throw thrown;
        throw stillDead(id, ensureError(thrown).message);
      }
      return (await lineOfRequest(requestId))?.case_number ?? null;
    },
  };
}

function answerAgain(line: HistoryRow, item: ItemRow, action: Action): { item: ItemRow; changed: boolean } {
  if (line.case_number === item.case_number && line.by_user === storable(action.by)) return { item, changed: true };
  throw new CastellanError("REQUEST_ID_USED", `request ${action.requestId} was another action`, {
    details: { caseNumber: line.case_number, what: line.what, by: line.by_user },
  });
}

const stillDead = (id: string, why: string): CastellanError =>
  new CastellanError("STILL_DEAD", `dead letter ${id} cannot be applied: ${why}`, { details: { id } });
