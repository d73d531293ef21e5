/** `castellan workitem ...`: what is in the queues, and what is done with it. */
import type { WorkItemAction } from "@castellan/admin";
import { listWorkItems, showWorkItem } from "@castellan/admin/read";
import { CastellanError } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import {
  formatDone,
  formatHistory,
  formatWorkItem,
  formatWorkItems,
  type WorkItemLayout,
} from "../format/work-item.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

type ListFlags = { readonly all?: boolean; readonly mine?: boolean; readonly late?: boolean; readonly queue?: string };
type Noted = { readonly note?: string };
type WithoutCase<A> = A extends unknown ? Omit<A, "caseNumber"> : never;

export const list: Run<[ListFlags]> = async (invocation, { mine = false, ...options }) => {
  const ctx = await invocation.openAdmin();
  const items = await listWorkItems(ctx, { ...options, ...(mine && { of: ctx.user }) });
  if (invocation.json) printJson(invocation, items);
  else invocation.io.out(formatWorkItems(items, layoutOf(invocation, ctx.clock.now())));
  return EXIT.done;
};

export const show: Run<[string]> = async (invocation, number) => {
  const wanted = caseNumber(number);
  const ctx = await invocation.openAdmin();
  const { item, ...rest } = await showWorkItem(ctx, wanted);
  if (invocation.json) printJson(invocation, { ...item, ...rest });
  else invocation.io.out(formatWorkItem({ item, ...rest }, layoutOf(invocation, ctx.clock.now())));
  return EXIT.done;
};

export const history: Run<[string]> = async (invocation, number) => {
  const wanted = caseNumber(number);
  const ctx = await invocation.openAdmin();
  const detail = await showWorkItem(ctx, wanted);
  if (invocation.json) printJson(invocation, detail.history);
  else invocation.io.out(formatHistory(detail.history, { columns: invocation.io.columns, indent: 0 }));
  return EXIT.done;
};

/** What the desk does with one item. `actionOf` gives it without its case number. */
export const act: Run<[string, () => WithoutCase<WorkItemAction>]> = async (invocation, number, actionOf) => {
  const action = { ...actionOf(), caseNumber: caseNumber(number) };
  const ctx = await invocation.openAdmin();
  const { actOnWorkItem } = await import("@castellan/admin");
  const timeoutMs = invocation.timeoutMs ?? undefined;
  const reply = await actOnWorkItem(ctx, action, timeoutMs === undefined ? {} : { timeoutMs });
  if (invocation.json) printJson(invocation, reply);
  else invocation.io.out(formatDone(action.type, reply, ctx.user));
  return EXIT.done;
};

export const assign: Run<[string, string | undefined, Noted & { readonly nobody?: boolean }]> = async (
  invocation,
  number,
  user,
  { nobody = false, ...options },
) => {
  if (nobody === (user !== undefined)) throw new CastellanError("USAGE", "name the user, or give --nobody");
  return act(invocation, number, () => ({ type: "Assign", to: user ?? null, ...options }));
};

export const silence: Run<[string, Noted & { readonly for?: number; readonly off?: boolean }]> = async (
  invocation,
  number,
  { for: forMs, off = false, ...options },
) => {
  if (off === (forMs !== undefined)) throw new CastellanError("USAGE", "say for how long (--for 2h), or --off");
  return act(invocation, number, () => ({ type: "Silence", forMs: forMs ?? null, ...options }));
};

function caseNumber(text: string): number {
  const number = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new CastellanError("USAGE", `"${text}" is not a case number: \`castellan workitem list\` shows them`);
}

function layoutOf({ io }: Invocation, now: Date): WorkItemLayout {
  return { style: createStyle(io.outColour), columns: io.columns, now };
}
