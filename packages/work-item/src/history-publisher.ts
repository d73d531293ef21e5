/**
 * Tells subscribers what happened to work items: every line of history becomes one event, at least once, in the order of
 * its item. A line is marked only after the bus has stored its event.
 */
import { CastellanError, type Clock, ensureError, type Logger } from "@castellan/kernel";
import { encodeBody, type Subjects, toHeaders, traceparentOf, type WorkItemEvent } from "@castellan/protocol";
import { type Gateway, update } from "@castellan/store";
import { workItemReport } from "@castellan/store/work-item";
import type { FencedCommit } from "./fenced-commit.ts";
import { type HistoryRow, type ItemRow, storable } from "./item-line.ts";
import type { EventBus } from "./ports.ts";

export interface HistoryPublisherDeps {
  readonly gateway: Gateway;
  readonly commit: FencedCommit;
  readonly bus: EventBus;
  readonly subjects: Subjects;
  readonly identity: { readonly node: string; readonly server: string };
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

const AT_ONCE = 100;

/** Publishes some of what is not published yet; true when there may be more. Rejects when bus or database is away. */
export async function publishHistory(deps: HistoryPublisherDeps): Promise<boolean> {
  const lines = await deps.gateway.find("work_item_event", {
    where: { published: false },
    orderBy: [{ column: "case_number" }, { column: "seq" }],
    limit: AT_ONCE,
  });
  if (lines.length === 0) return false;
  const cases = [...new Set(lines.map((line) => line.case_number))];
  const items = await deps.gateway.find("work_item", { where: { case_number: { in: cases } } });
  const outcomes = await Promise.allSettled(
    items.map((item) =>
      publishItem(
        deps,
        item,
        lines.filter((line) => line.case_number === item.case_number),
      ),
    ),
  );
  const done = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value.done : []));
  if (done.length > 0) {
    await deps.commit(
      done.map(({ case_number, seq }) => update("work_item_event", { case_number, seq }, { published: true }, "any")),
    );
  }
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw ensureError(outcome.reason);
    if (outcome.value.error) throw outcome.value.error;
  }
  return lines.length === AT_ONCE;
}

/** One item's lines one after the other, as far as the bus takes them. */
async function publishItem(
  { bus, clock, identity, log, subjects }: HistoryPublisherDeps,
  item: ItemRow,
  lines: readonly HistoryRow[],
): Promise<{ done: HistoryRow[]; error: Error | null }> {
  const done: HistoryRow[] = [];
  for (const line of lines) {
    const data: WorkItemEvent = { by: line.by_user, note: line.note, item: workItemReport(item, clock.now()) };
    // The same for every attempt, and another after a database was made anew.
    const id = `wi-${line.case_number}-${line.seq}-${line.happened_at.getTime().toString(36)}`;
    const traceparent = line.alert_id === null ? undefined : traceparentOf(line.alert_id);
    try {
      await bus.publish({
        subject: subjects.build({ kind: "work-item", queue: token(item.queue_name), what: token(line.what) }),
        headers: toHeaders({
          id,
          source: `/castellan/${identity.node}/${identity.server}`,
          type: `castellan.workitem.${token(line.what)}`,
          time: line.happened_at.toISOString(),
          subject: `${item.queue_name}/${item.case_number}`,
          ...(traceparent === undefined ? {} : { traceparent }),
          data,
        }),
        body: encodeBody(data),
        messageId: id,
      });
    } catch (thrown) {
      const error = ensureError(thrown);
      if (!(error instanceof CastellanError) || error.retryable) return { done, error };
      log.error("a work-item event is not taken by the bus and is left out", { id, error });
    }
    done.push(line);
  }
  return { done, error: null };
}

const token = (text: string): string =>
  storable(text)
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "-")
    .slice(0, 128);
