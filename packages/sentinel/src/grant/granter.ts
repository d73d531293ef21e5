/**
 * Runs on the master, for its term: makes certain that what a lost server ran under its grant is over (`judge.ts` says when),
 * so that it may be started elsewhere.
 *
 * F1 The fence command runs at most once for a generation: that it begins is in the schema before it is started.
 */
import { type ActorContext, type Asking, type Behavior, receive, setup } from "@castellan/actor";
import { CastellanError, ensureError } from "@castellan/kernel";
import { type Gateway, insert, StoreConflict, update, type Write } from "@castellan/store";
import { fence } from "../role/mastership.ts";
import { type Judgement, judge, type Over, observe, type Refusal, type SeenGrant } from "./judge.ts";
import { type Grant, parseGrant } from "./terms.ts";

export type GranterCommand =
  /** Asked of a server that seems lost: takes its grant away as soon as that can be. */
  Asking<{ readonly type: "GrantsOver"; readonly serverId: number }, Over> | { readonly type: "Look" };

export interface GranterDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly serverId: number;
  /** Has a member refuse; answers for how long it has confirmed nothing of that server, milliseconds. */
  readonly refuse: (member: string, serverId: number, generation: number) => Promise<number>;
  /** Runs the fence command against a server, if there is one. Rejects with the reason when it fails. */
  readonly fenceCommand: ((server: string) => Promise<void>) | null;
  readonly onDeposed: () => void;
}

const LOOK_MS = 1000;

export function createGranter(deps: GranterDeps): Behavior<GranterCommand> {
  return setup<GranterCommand>((context) => act(deps, context));
}

function act(deps: GranterDeps, context: ActorContext<GranterCommand>): Behavior<GranterCommand> {
  const { gateway, epoch } = deps;
  const { clock, log, newId, timers, self } = context;
  let seen: ReadonlyMap<number, SeenGrant> = new Map();
  /** By server, then by member. */
  const refusals = new Map<number, Map<number, Refusal>>();

  const look = async (): Promise<readonly Grant[]> => {
    const grants = (await gateway.find("server_grant")).map(parseGrant);
    seen = observe(seen, grants, clock.bootMs());
    return grants;
  };
  /** False: the row is no longer what was read. Throws when another is master. */
  const change = async (grant: Grant, where: object, set: object, more: readonly Write[] = []): Promise<boolean> => {
    const row = { logical_machine_id: grant.serverId, generation: grant.generation, ...where };
    try {
      await gateway.commit([fence(epoch), update("server_grant", row, set), ...more]);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof StoreConflict)) throw thrown;
      if (thrown.index === 0) {
        deps.onDeposed();
        throw new CastellanError("NOT_MASTER", "another server is master", { retryable: true, cause: thrown });
      }
      return false;
    }
  };

  const collectRefusals = async (grant: Grant, names: ReadonlyMap<number, string>): Promise<void> => {
    const { serverId, generation } = grant;
    const known = refusals.get(serverId) ?? new Map<number, Refusal>();
    refusals.set(serverId, known);
    const missing = grant.terms.members.filter((id) => id !== serverId && known.get(id)?.generation !== generation);
    await Promise.all(
      missing.map(async (id) => {
        const name = names.get(id);
        if (name === undefined) return;
        try {
          const quietMs = await deps.refuse(name, serverId, generation);
          known.set(id, { generation, atMs: clock.bootMs() - quietMs });
        } catch (thrown) {
          log.debug("a member does not say that it refuses", { member: name, error: ensureError(thrown).message });
        }
      }),
    );
  };

  const runFence = async (grant: Grant, server: string): Promise<boolean> => {
    const { fenceCommand } = deps;
    if (fenceCommand === null || grant.fencing !== null) return false;
    if (!(await change(grant, { fencing: null }, { fencing: "begun" }, [audit("grant.fence.begin", { server })])))
      return false;
    log.warn("the fence command is run", { server, generation: grant.generation });
    const failure = await fenceCommand(server).then(
      () => null,
      (thrown: unknown) => ensureError(thrown).message,
    );
    log[failure === null ? "warn" : "error"]("the fence command has ended", { server, failure });
    const result = failure === null ? { fencing: "done", ended: "command" } : { fencing: "failed" };
    const told = audit("grant.fence.end", { server, failure });
    return (await change(grant, { fencing: "begun" }, result, [told])) && failure === null;
  };
  const audit = (what: string, details: object): Write =>
    insert("audit_log", {
      id: newId(),
      happened_at: clock.now(),
      by_user: "castellan",
      station: `epoch ${epoch}`,
      command: null,
      what,
      details: JSON.stringify(details),
    });

  const weigh = async (serverId: number): Promise<{ readonly grant: Grant | null; readonly judgement: Judgement }> => {
    const grants = await look();
    const grant = grants.find((one) => one.serverId === serverId) ?? null;
    const sentinels = grant === null ? await gateway.find("sentinel", { where: { logical_machine_id: serverId } }) : [];
    const evidence = {
      grant,
      hasEverRun: sentinels.length > 0,
      seen: seen.get(serverId) ?? null,
      refusals: refusals.get(serverId) ?? new Map<number, Refusal>(),
    };
    return { grant, judgement: judge(evidence, clock.bootMs()) };
  };

  const over = async (serverId: number): Promise<Over> => {
    const names = new Map(
      (await gateway.find("node_cluster")).map((row) => [row.logical_machine_id, row.physical_machine_name]),
    );
    const server = names.get(serverId) ?? `server ${serverId}`;
    // Revoke, refuse, end: at most one of each in one go.
    for (let turn = 0; turn < 4; turn += 1) {
      const { grant, judgement } = await weigh(serverId);
      if (grant === null) return judgement.kind === "over" || judgement.kind === "no" ? judgement : busy;
      switch (judgement.kind) {
        case "revoke":
          if (!(await change(grant, { renewals: grant.renewals, revoked: false }, { revoked: true }))) return busy;
          log.warn("the grant of a server was taken away", { server, generation: grant.generation });
          await collectRefusals(grant, names);
          break;
        case "ended":
          if (!(await change(grant, { revoked: true, ended: null }, { ended: "waited" }))) return busy;
          log.warn("what a server ran under its grant is over", { server, generation: grant.generation });
          break;
        case "no":
          if (turn === 0) await collectRefusals(grant, names);
          else if (!(await runFence(grant, server))) return judgement;
          break;
        case "over":
        case "not-before":
          return judgement;
      }
    }
    return busy;
  };

  timers.every("look", LOOK_MS, { type: "Look" });
  self.tell({ type: "Look" });
  return receive<GranterCommand>({
    async Look() {
      try {
        await look();
      } catch (thrown) {
        log.debug("the grants cannot be looked at now", { error: ensureError(thrown).message });
      }
    },
    async GrantsOver({ serverId }, replyTo) {
      try {
        replyTo.success(serverId === deps.serverId ? OURS : await over(serverId));
      } catch (thrown) {
        const retryable = thrown instanceof CastellanError && thrown.retryable;
        replyTo.refuse(new CastellanError("NOT_KNOWN", ensureError(thrown).message, { retryable }));
      }
    },
  });
}

const busy: Over = { kind: "not-before", inMs: 1000, why: "its grant has just changed" };
const OURS: Over = { kind: "no", why: "it is the master itself" };
