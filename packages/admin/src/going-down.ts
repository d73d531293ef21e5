/**
 * Which servers are being taken down. A master hands over first, and only then shuts down what is left: until then no operation
 * tells the others that it goes, and they would hand mastership back to it.
 */

import { auditRow } from "./audit.ts";
import type { AuditQuery } from "./audit-log.ts";
import { readAuditLog } from "./audit-log.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";

const GOES = "server.down";
const STAYS = "server.stay";

/** A hand-over has ended by then, milliseconds; so has whoever gave up, and his word counts no more. */
const COUNTS_MS = 120_000;

const LATELY: AuditQuery = { sinceMs: COUNTS_MS, last: 1000 };

/** Says that a server is to go down while the node goes on; also who said so. */
export const announceGoingDown = (ctx: AdminContext, server: string): Promise<void> => say(ctx, GOES, server);

/** Takes that word back: it was refused. */
export const announceStaying = (ctx: AdminContext, server: string): Promise<void> => say(ctx, STAYS, server);

async function say(ctx: AdminContext, what: string, server: string): Promise<void> {
  await changePatiently("the record of commands", () => ctx.gateway.commit([auditRow(ctx, what, { server })]));
}

/**
 * Of whom it was said lately and not taken back, and whose sentinel has not been started anew since. `startedAt`: by the same clock as the
 * word.
 */
export async function goingDown(
  ctx: Pick<AdminContext, "gateway" | "clock">,
  servers: readonly { readonly name: string; readonly startedAt: Date | null }[],
): Promise<ReadonlySet<string>> {
  const said = new Map<unknown, Date>();
  for (const { what, details, at } of await readAuditLog(ctx, LATELY)) {
    if (typeof details !== "object" || details === null || !("server" in details)) continue;
    if (what === GOES) said.set(details.server, at);
    else if (what === STAYS) said.delete(details.server);
  }
  const goes = ({ name, startedAt }: (typeof servers)[number]): boolean => {
    const at = said.get(name);
    return at !== undefined && (startedAt === null || startedAt < at);
  };
  return new Set(servers.filter(goes).map(({ name }) => name));
}
