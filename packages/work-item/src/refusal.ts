/** Why an action is refused, in words that name who and when: the history knows. */
import { CastellanError } from "@castellan/kernel";
import { didYouMean } from "@castellan/protocol";
import type { WorkItemChange } from "@castellan/protocol/words";
import type { Gateway } from "@castellan/store";
import type { Action, RefusalCode } from "./action-decision.ts";
import type { HistoryRow, ItemRow, Queues } from "./item-line.ts";
import { queueOf } from "./queues.ts";

type Situation = { readonly gateway: Pick<Gateway, "find">; readonly queues: Queues };

export async function refusalOf(
  code: RefusalCode,
  item: ItemRow,
  action: Action,
  { gateway, queues }: Situation,
): Promise<CastellanError> {
  const caseNumber = item.case_number;
  const name = `work item ${caseNumber}`;
  const refuse = (message: string, details: Readonly<Record<string, unknown>> = {}): CastellanError =>
    new CastellanError(code, message, { details: { caseNumber, ...details } });
  switch (code) {
    case "LOCKED": {
      const line = await lastLine(gateway, caseNumber, ["opened"]);
      const since = line?.happened_at.toISOString() ?? null;
      const where = line?.station ? ` (on ${line.station})` : "";
      const message = `${name} is locked by ${item.locked_by}${where}${since === null ? "" : ` since ${moment(since)}`}`;
      return refuse(message, { lockedBy: item.locked_by, since });
    }
    case "NOT_OPEN": {
      const line = await lastLine(gateway, caseNumber, ["released", "resolved"]);
      const at = line?.happened_at.toISOString() ?? null;
      const by = line?.what === "released" ? line.by_user : null;
      const who = by === null ? "resolved, for its cause is over," : `released by ${by}`;
      const message = at === null ? `${name} is ${item.state} already` : `${name} was ${who} at ${moment(at)} already`;
      return refuse(message, { state: item.state, by, at });
    }
    case "NOT_LOCKED":
      return refuse(`nobody has opened ${name}: there is nothing to give up`);
    case "NOT_PERMITTED": {
      const { members } = queueOf(queues, item.queue_name);
      const group = queues.has(item.queue_name);
      const whose = group
        ? `in queue ${item.queue_name}, and ${action.by} is not a member of it`
        : `in the own queue of ${item.queue_name}, not of ${action.by}`;
      return refuse(`${name} is ${whose}`, { queue: item.queue_name, members: members.slice(0, 50) });
    }
    case "UNKNOWN_QUEUE": {
      const wanted = action.type === "Forward" && "queue" in action.to ? action.to.queue : "";
      const known = [...queues.keys()];
      return refuse(`there is no queue ${wanted}${didYouMean(wanted, known)}`, { queues: known.slice(0, 50) });
    }
  }
}

async function lastLine(
  gateway: Pick<Gateway, "find">,
  caseNumber: number,
  what: readonly WorkItemChange[],
): Promise<HistoryRow | undefined> {
  const [line] = await gateway.find("work_item_event", {
    where: { case_number: caseNumber, what: { in: what } },
    orderBy: [{ column: "seq", descending: true }],
    limit: 1,
  });
  return line;
}

/** `2026-11-22 08:15:30 UTC` */
const moment = (time: string): string => `${time.slice(0, 19).replace("T", " ")} UTC`;
