/** A person's word that a lost server runs nothing any more, where the sentinels cannot make certain of it themselves. */
import { CastellanError } from "@castellan/kernel";
import { insert, update, type Write } from "@castellan/store";
import { readNodeState } from "@castellan/store/state";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";
import { serverNamed } from "./servers.ts";

export interface Fenced {
  readonly server: string;
  readonly id: number;
  /** Its grant had ended already: nothing was changed. */
  readonly wasOver: boolean;
}

/** A sentinel that has said within this time that it lives may live, milliseconds. */
const FRESH_MS = 15_000;

/**
 * Declares that nothing runs on a server, so that its foreground and exclusive processes may be started elsewhere. Refused
 * NOT_CONFIRMED without `confirmed`, UNKNOWN_SERVER, SERVER_UP while its sentinel may live.
 */
export async function fenceServer(ctx: AdminContext, typed: string, confirmed: boolean): Promise<Fenced> {
  return await changePatiently("the grant of the server", async () => {
    const server = serverNamed((await readNodeState(ctx.gateway)).servers, typed);
    const { id, name } = server;
    const key = { logical_machine_id: id };
    const [[sentinel], [grant]] = await Promise.all([
      ctx.gateway.find("sentinel", { where: key }),
      ctx.gateway.find("server_grant", { where: key }),
    ]);
    const isFresh = sentinel !== undefined && ctx.clock.now().getTime() - sentinel.last_seen_at.getTime() < FRESH_MS;
    if ((server.state !== "down" && server.state !== "isolated") || (isFresh && sentinel.ended_at === null)) {
      throw new CastellanError("SERVER_UP", `${name} is ${server.state}: only a server that is down can be fenced`, {
        details: { server: name, state: server.state },
      });
    }
    if (!confirmed) {
      throw new CastellanError(
        "NOT_CONFIRMED",
        `make certain that no process of ${name} runs (switch it off, or look), then say so: ` +
          `castellan fence ${name} --confirmed. If one does run, it runs twice from then on`,
        { details: { server: name } },
      );
    }
    if (grant?.revoked === true && grant.ended !== null) return { server: name, id, wasOver: true };
    await ctx.gateway.commit([
      grant === undefined ? firstGrant(id) : endedGrant(id, grant.generation, grant.renewals),
      auditRow(ctx, "server.fence", { id, name, generation: grant?.generation ?? 1 }),
    ]);
    return { server: name, id, wasOver: false };
  });
}

const OVER = { revoked: true, ended: "person" } as const;

/** Guarded: a grant that is renewed meanwhile is of a server that lives. */
const endedGrant = (id: number, generation: number, renewals: number): Write =>
  update("server_grant", { logical_machine_id: id, generation, renewals }, OVER);

const firstGrant = (id: number): Write =>
  insert("server_grant", {
    logical_machine_id: id,
    generation: 1,
    incarnation: 0,
    members: "[]",
    period_ms: 0,
    renewals: 0,
    fencing: null,
    ...OVER,
  });
