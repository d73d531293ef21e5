/** `castellan workitem list|show|release`. */
import { listWorkItems, showWorkItem } from "@castellan/admin/read";
import { CastellanError } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { createStyle } from "../format/style.ts";
import { formatWorkItem, formatWorkItems, type WorkItemLayout } from "../format/work-item.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

const RELEASE_MS = 10_000;

export const list: Run<[{ readonly all?: boolean }]> = async (invocation, { all = false }) => {
  const ctx = await invocation.openAdmin();
  const items = await listWorkItems(ctx, { all });
  if (invocation.json) printJson(invocation, items);
  else invocation.io.out(formatWorkItems(items, layoutOf(invocation, ctx.clock.now())));
  return EXIT.done;
};

export const show: Run<[string]> = async (invocation, number) => {
  const wanted = caseNumber(number);
  const ctx = await invocation.openAdmin();
  const detail = await showWorkItem(ctx, wanted);
  if (invocation.json) printJson(invocation, { ...detail.item, details: detail.details, history: detail.history });
  else invocation.io.out(formatWorkItem(detail, layoutOf(invocation, ctx.clock.now())));
  return EXIT.done;
};

export const release: Run<[string, { readonly note?: string }]> = async (invocation, number, { note }) => {
  const wanted = caseNumber(number);
  const ctx = await invocation.openAdmin();
  const released = await (await import("@castellan/admin")).releaseWorkItem(
    ctx,
    wanted,
    note,
    invocation.timeoutMs ?? RELEASE_MS,
  );
  if (invocation.json) printJson(invocation, released);
  else invocation.io.out(`case ${released.caseNumber} is ${released.state}\n`);
  return EXIT.done;
};

function caseNumber(text: string): number {
  const number = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new CastellanError("USAGE", `"${text}" is not a case number: \`castellan workitem list\` shows them`);
}

function layoutOf({ io }: Invocation, now: Date): WorkItemLayout {
  return { style: createStyle(io.outColour), columns: io.columns, now };
}
