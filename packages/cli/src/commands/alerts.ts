/** `castellan alerts`: alerts as they happen until Ctrl-C (`--follow`), and those of the last while (`--since`). */
import { followAlerts } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import { toStructured } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatAlert } from "../format/alert.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

/** How long the past may take to come when nothing was said, milliseconds. */
const PAST_MS = 30_000;

export const run: Run<[{ readonly follow?: boolean; readonly since?: number }]> = async (
  invocation,
  { follow = false, since },
) => {
  if (!follow && since === undefined) throw new CastellanError("USAGE", "say --follow, or --since 1h, or both");
  const { io, json } = invocation;
  const { interrupted } = io;
  const style = createStyle(io.outColour);
  const ctx = await invocation.openAdmin();
  const ended = new AbortController();
  const feed = await followAlerts(
    ctx,
    {
      alert: (received) => {
        if (json) printJson(invocation, toStructured(received.event));
        else io.out(formatAlert(received, style));
      },
      problem: (error) => io.err(`castellan: an event that is no alert was left out: ${error.message}\n`),
      caughtUp: () => {
        if (!follow) ended.abort();
      },
    },
    { sinceMs: since ?? null },
  );
  if (follow && io.isTerminal && !json) io.err("waiting for alerts; Ctrl-C ends\n");
  const deadline = follow ? null : ctx.clock.after(invocation.timeoutMs ?? PAST_MS, () => ended.abort("late"));
  await new Promise<void>((resolve) => {
    for (const signal of [interrupted, ended.signal]) {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
  deadline?.cancel();
  feed.close();
  if (ended.signal.reason === "late") throw new CastellanError("TIMED_OUT", "the bus did not give all alerts in time");
  return EXIT.done;
};
