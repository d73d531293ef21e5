/** One line that a person sees grow, while a copy is made. Programs and files see nothing of it. */
import type { Clock } from "@castellan/kernel";
import type { Progress } from "@castellan/store/copy";
import type { Invocation } from "./invocation.ts";

const REDRAW_MS = 100;

export interface ProgressLine {
  show(progress: Progress): void;
  /** Takes it away. */
  end(): void;
}

export function progressLine(
  { io, json }: Pick<Invocation, "io" | "json">,
  clock: Pick<Clock, "bootMs">,
): ProgressLine {
  let drawnAt: number | null = null;
  const isShown = io.isTerminal && !json;
  return {
    show({ doing, table, rows }) {
      const now = clock.bootMs();
      if (!isShown || (drawnAt !== null && now - drawnAt < REDRAW_MS)) return;
      drawnAt = now;
      io.err(`\r\u001b[K${doing} ${table}: ${rows.toLocaleString("en")} rows`);
    },
    end() {
      if (drawnAt !== null) io.err("\r\u001b[K");
    },
  };
}
