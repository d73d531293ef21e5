/** `castellan alerts --follow`: alerts as they happen, until Ctrl-C. */
import { followAlerts } from "@castellan/admin";
import { toStructured } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatAlert } from "../format/alert.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run = async (invocation) => {
  const { io, json } = invocation;
  const { interrupted } = io;
  const style = createStyle(io.outColour);
  const ctx = await invocation.openAdmin();
  const feed = await followAlerts(
    ctx,
    (received) => {
      if (json) printJson(invocation, toStructured(received.event));
      else io.out(formatAlert(received, style));
    },
    (error) => io.err(`castellan: an event that is no alert was left out: ${error.message}\n`),
  );
  if (io.isTerminal && !json) io.err("waiting for alerts; Ctrl-C ends\n");
  await new Promise<void>((resolve) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener("abort", () => resolve(), { once: true });
  });
  feed.close();
  return EXIT.done;
};
