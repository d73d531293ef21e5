/** What `castellan up` does while it stays: it shows alerts, and brings back pairs that are lost altogether. */
import { type AdminContext, followAlerts } from "@castellan/admin";
import { bringUpPair, homePaths, pairState } from "@castellan/daemon";
import { CastellanError, sleep } from "@castellan/kernel";
import { hasEndedInOrder } from "./commands/down.ts";
import { formatAlert } from "./format/alert.ts";
import { createStyle } from "./format/style.ts";
import { readSettings } from "./home.ts";
import type { Invocation } from "./invocation.ts";
import { programEntry } from "./program-entry.ts";
import { say } from "./start-node.ts";

const WATCH_MS = 1000;
/** A pair that is being replaced may be gone at one look. */
const LOST_LOOKS = 2;

/** Until interrupted, or until every sentinel has been ended in order by somebody else. Throws NOT_A_MEMBER when one says that it may not run. */
export async function attend(invocation: Invocation, ctx: AdminContext, homes: readonly string[]): Promise<void> {
  const { io } = invocation;
  const style = createStyle(io.outColour);
  const feed = await followAlerts(ctx, {
    alert: (received) => say(invocation, formatAlert(received, style).trimEnd()),
    problem: () => undefined, // `castellan alerts` is for those who want to see strangers' events
  });
  const names = new Map<string, string>();
  for (const home of homes) names.set(home, (await readSettings(home, io.hostName)).server);
  const lostLooks = new Map<string, number>();
  const attended = new Set(homes);
  while (!io.interrupted.aborted && attended.size > 0) {
    for (const home of attended) {
      const { worker, watcher, refused } = pairState(homePaths(home));
      const looks = worker === null && watcher === null ? (lostLooks.get(home) ?? 0) + 1 : 0;
      lostLooks.set(home, looks);
      if (looks < LOST_LOOKS) continue;
      // Started again it would say so again, for ever.
      if (refused !== null) throw new CastellanError("NOT_A_MEMBER", refused);
      if (await hasEndedInOrder(ctx, names.get(home) ?? "")) attended.delete(home);
      else {
        const of = homes.length === 1 ? "" : ` of ${names.get(home)}`;
        say(invocation, `worker and watcher${of} are gone: starting them again`);
        bringUpPair(homePaths(home), programEntry(), { ...io.env });
        lostLooks.set(home, 0);
      }
    }
    await sleep(ctx.clock, WATCH_MS, io.interrupted);
  }
  feed.close();
}
