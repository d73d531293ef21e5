/**
 * Whether what the schema has recorded is exactly what the users were told: nothing lost, nothing doubled, and no lock ever
 * broken unsaid. Knows the rules by itself, not from the code it looks at. Pure.
 */
import type { Row } from "@castellan/store";
import type { LedgerLine } from "./user-task.ts";

export interface Recorded {
  readonly items: readonly Row<"work_item">[];
  readonly lines: readonly Row<"work_item_event">[];
  readonly audits: number;
}

/** What each action writes into the history. */
const WRITES: Readonly<Record<string, string>> = {
  Open: "opened",
  Keep: "kept",
  Undo: "undone",
  BreakLock: "lock-broken",
  Release: "released",
  Forward: "forwarded",
  Note: "noted",
  Acknowledge: "acknowledged",
  Assign: "assigned",
  Silence: "silenced",
};
const NEEDS_THE_LOCK = new Set(["kept", "undone", "released", "forwarded", "assigned", "silenced"]);
const GIVES_IT_UP = new Set(["kept", "undone", "released", "forwarded", "lock-broken"]);

/** Empty: all is well. */
export function complaintsAbout(ledger: readonly LedgerLine[], { audits, items, lines }: Recorded): string[] {
  const byPeople = lines.filter(({ request_id }) => request_id !== null);
  const complaints = [...compare(ledger, byPeople)];
  if (audits !== byPeople.length) complaints.push(`${audits} rows of audit for ${byPeople.length} actions`);
  const ofCase = new Map<number, Row<"work_item_event">[]>();
  for (const line of lines) ofCase.set(line.case_number, [...(ofCase.get(line.case_number) ?? []), line]);
  for (const item of items) complaints.push(...replay(item, ofCase.get(item.case_number) ?? []));
  return complaints;
}

function* compare(ledger: readonly LedgerLine[], lines: readonly Row<"work_item_event">[]): Generator<string> {
  const recorded = new Map<string, Row<"work_item_event">>();
  for (const line of lines) {
    const request = line.request_id ?? "";
    if (recorded.has(request)) yield `request ${request} was done twice`;
    recorded.set(request, line);
  }
  const told = new Map<string, LedgerLine>();
  for (const said of ledger) {
    const line = recorded.get(said.requestId);
    told.set(said.requestId, said);
    const name = `${said.type} of case ${said.caseNumber} by ${said.by}`;
    if (said.outcome === "changed") {
      if (line === undefined) yield `${name} was confirmed and is lost`;
      else if (line.case_number !== said.caseNumber || line.by_user !== said.by || line.what !== WRITES[said.type]) {
        yield `${name} is recorded as ${line.what} of case ${line.case_number} by ${line.by_user}`;
      }
    } else if (said.outcome !== "unknown" && line !== undefined) {
      yield `${name} was answered ${said.outcome}, and was done`;
    }
  }
  for (const request of recorded.keys()) if (!told.has(request)) yield `nobody asked for request ${request}`;
}

function* replay(item: Row<"work_item">, lines: readonly Row<"work_item_event">[]): Generator<string> {
  const name = `case ${item.case_number}`;
  let holder: string | null = null;
  let isOver = false;
  for (const [at, { by_user, seq, what }] of lines.entries()) {
    if (seq !== at + 1) yield `${name}: line ${at + 1} has number ${seq}`;
    if (isOver && what !== "noted" && what !== "silenced") yield `${name}: ${what} by ${by_user} after its release`;
    if (what === "opened" && holder !== null) yield `${name}: opened by ${by_user} while ${holder} holds it`;
    if (NEEDS_THE_LOCK.has(what) && holder !== null && holder !== by_user) {
      yield `${name}: ${what} by ${by_user} while ${holder} holds it`;
    }
    if (what === "opened") holder = by_user;
    else if (GIVES_IT_UP.has(what)) holder = null;
    isOver ||= what === "released";
  }
  if (item.row_version !== lines.length) yield `${name}: version ${item.row_version} of ${lines.length} lines`;
  if (item.locked_by !== holder) yield `${name}: locked by ${item.locked_by}, its history says ${holder}`;
  if ((item.state === "released") !== isOver) yield `${name}: is ${item.state}, its history says otherwise`;
}
