/**
 * What people ask of the desk, and what time asks of it, as fenced commits.
 *
 * P1 An action is decided on what was read and committed behind the version that was read: of two at the same moment the
 *    later one is decided on what the earlier one has made of the item.
 * P2 The id of a request stands in the line of history that it made, once in the whole schema: a request that comes again,
 *    or whose answer was lost, is answered from there.
 * P3 Each action goes into the audit with its commit, or not at all.
 * P4 Actions that wait together are decided one after the other and committed at once. When that fails, each is tried
 *    alone, so that none suffers for another.
 */
import { CastellanError, type Clock, ensureError, type IdSource } from "@castellan/kernel";
import { UNFINISHED_STATES } from "@castellan/protocol/words";
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
import { itemWrites, type Touched } from "./desk-batch.ts";
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

/** How the item is now, and whether the action has changed it. */
export interface Done {
  readonly item: ItemRow;
  readonly changed: boolean;
}

export interface DeskActions {
  /** Rejects with the refusals of `Desk`, `Deposed`, or a retryable error. */
  act(action: Action): Promise<Done>;
  /** The same for several, in their order; never rejects. */
  actAll(actions: readonly Action[]): Promise<readonly (Done | Error)[]>;
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
      command: null,
      what,
      details: JSON.stringify(details),
    });

  /** Those for which an item of their own stands, and for what else is open there. */
  async function lostServers(): Promise<ReadonlySet<string>> {
    const items = await gateway.find("work_item", { where: { kind: "server", state: { in: UNFINISHED_STATES } } });
    return new Set(items.map(({ server_name }) => server_name));
  }

  async function lineOfRequest(requestId: string): Promise<HistoryRow | undefined> {
    const [line] = await gateway.find("work_item_event", { where: { request_id: requestId }, limit: 1 });
    return line;
  }

  /** Rejects when the commit does; what is wrong with an action itself is its answer. */
  async function attempt(actions: readonly Action[]): Promise<(Done | Error)[]> {
    const [items, lines, defined] = await Promise.all([
      gateway.find("work_item", { where: { case_number: { in: actions.map(({ caseNumber }) => caseNumber) } } }),
      gateway.find("work_item_event", { where: { request_id: { in: actions.map(({ requestId }) => requestId) } } }),
      queues(),
    ]);
    const batch = decideAll(actions, items, lines, defined);
    if (batch.touched.length > 0) await commit([...batch.touched.flatMap(itemWrites), ...batch.audits]);
    // Only now the history says who was first.
    return Promise.all(batch.answers.map(async (answer) => (typeof answer === "function" ? answer() : answer)));
  }

  function decideAll(
    actions: readonly Action[],
    items: readonly ItemRow[],
    lines: readonly HistoryRow[],
    defined: Queues,
  ): { touched: Touched[]; audits: Write[]; answers: (Done | Error | (() => Promise<Error>))[] } {
    const known = new Map(items.map((item) => [item.case_number, item]));
    const done = new Map(lines.map((line) => [line.request_id, line]));
    const touched = new Map<number, Touched>();
    const audits: Write[] = [];
    const now = clock.now();
    const answers = actions.map((action) => {
      const { caseNumber, requestId } = action;
      const item = known.get(caseNumber);
      if (item === undefined) return noSuchItem(caseNumber);
      const line = done.get(requestId);
      if (line !== undefined) return answerAgain(line, item, action);
      const decision = decideAction(item, action, defined, now);
      if (decision.kind === "unchanged") return { item, changed: false };
      if (decision.kind === "refused") {
        return () => refusalOf(decision.code, item, action, { gateway, queues: defined });
      }
      const { history, item: next } = decision;
      const before = touched.get(caseNumber) ?? { versionBefore: item.row_version, history: [] };
      touched.set(caseNumber, { ...before, item: next, history: [...before.history, history] });
      known.set(caseNumber, next);
      done.set(requestId, history);
      audits.push(audit(action, `workitem.${history.what}`, { caseNumber, note: history.note }));
      return { item: next, changed: true };
    });
    return { touched: [...touched.values()], audits, answers };
  }

  async function act(action: Action): Promise<Done> {
    for (let left = ATTEMPTS; ; left -= 1) {
      try {
        const [answer = noSuchItem(action.caseNumber)] = await attempt([action]);
        if (answer instanceof Error) throw answer;
        return answer;
      } catch (thrown) {
        if (!mayHaveChanged(thrown) || left <= 1) throw thrown;
      }
    }
  }

  return {
    act,
    async actAll(actions) {
      try {
        if (actions.length > 1) return await attempt(actions);
      } catch (thrown) {
        if (isPassing(thrown) && !mayHaveChanged(thrown)) return actions.map(() => ensureError(thrown));
      }
      const answers: (Done | Error)[] = [];
      for (const action of actions) answers.push(await act(action).catch(ensureError));
      return answers;
    },

    async escalate() {
      const now = clock.now();
      for (let after = 0; ; ) {
        const due = await gateway.find("work_item", {
          where: { due_at: { below: now }, locked_by: null, case_number: { above: after } },
          limit: AT_ONCE,
        });
        const last = due.at(-1);
        if (last === undefined) return 0;
        const [defined, lost] = await Promise.all([queues(), lostServers()]);
        const steps = due.flatMap((item) => {
          const step = decideEscalation(item, defined, lost, now);
          return step === null ? [] : [{ versionBefore: item.row_version, item: step.item, history: [step.history] }];
        });
        if (steps.length > 0) await commit(steps.flatMap(itemWrites));
        if (steps.length > 0 || due.length < AT_ONCE) return steps.length;
        after = last.case_number;
      }
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

/** The rows are not as they were read, or it is not known whether they are. */
const mayHaveChanged = (thrown: unknown): boolean =>
  thrown instanceof StoreConflict || thrown instanceof StoreDuplicate || thrown instanceof StoreAmbiguous;

const noSuchItem = (caseNumber: number): CastellanError =>
  new CastellanError("NO_SUCH_ITEM", `there is no work item ${caseNumber}`, { details: { caseNumber } });

function answerAgain(line: HistoryRow, item: ItemRow, action: Action): Done | CastellanError {
  if (line.case_number === item.case_number && line.by_user === storable(action.by)) return { item, changed: true };
  return new CastellanError("REQUEST_ID_USED", `request ${action.requestId} was another action`, {
    details: { caseNumber: line.case_number, what: line.what, by: line.by_user },
  });
}

const stillDead = (id: string, why: string): CastellanError =>
  new CastellanError("STILL_DEAD", `dead letter ${id} cannot be applied: ${why}`, { details: { id } });
