/** One alert on one line. Pure. */
import type { AlertEvent } from "@castellan/admin";
import type { Style } from "./style.ts";
import { oneLine } from "./table.ts";
import { moment } from "./time.ts";

/** `2026-11-22 06:10:01  error     hades  error-file  sw_error was created ...`; what is over says so. */
export function formatAlert({ event, alert }: AlertEvent, style: Style): string {
  const over = event.type.endsWith(".resolved");
  const word = over ? style.word("resolved") : style.word(alert.severity);
  const padding = " ".repeat(Math.max(0, 8 - (over ? "resolved" : alert.severity).length));
  return `${moment(event.time)}  ${word}${padding}  ${oneLine(alert.server)}  ${alert.kind}  ${oneLine(alert.summary)}\n`;
}
