/** Alerts that could not be applied, as a person reads them. Pure. */
import type { DeadLetter } from "@castellan/admin/read";
import { formatTable, oneLine } from "./table.ts";
import { ago, moment } from "./time.ts";

export function formatDeadLetters(letters: readonly DeadLetter[], now: Date, columns: number): string {
  if (letters.length === 0) return "no dead letters\n";
  const rows = letters.map(({ id, server, at, reason }) => [
    oneLine(id),
    oneLine(server),
    ago(at, now),
    oneLine(reason),
  ]);
  return formatTable(["ID", "FROM", "AGO", "WHY"], rows, { columns, align: ["left", "left", "right"] });
}

export function formatDeadLetter({ id, server, at, reason, body }: DeadLetter): string {
  return [
    `dead letter ${oneLine(id)}\n`,
    `  from        ${oneLine(server)}\n`,
    `  came        ${moment(at)}\n`,
    `  why         ${oneLine(reason)}\n`,
    `  body        ${oneLine(body)}\n`,
    `next\n  apply it again: castellan workitem retry ${oneLine(id)}\n`,
  ].join("");
}
