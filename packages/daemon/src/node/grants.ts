/**
 * The grants of a server, put together: its own (the keeper of the grant and the guard), its word about those of others, and
 * what the rest of the sentinel needs of both.
 */
import type { ActorContext, ActorRef, ActorSystem, Message } from "@castellan/actor";
import { CastellanError, type Clock, ensureError, type Logger, sleep } from "@castellan/kernel";
import { Sentinel } from "@castellan/protocol";
import {
  beginMember,
  confirm,
  createGrantKeeper,
  type GrantCommand,
  type Grants,
  isGranted,
  type ProcessTableCommand,
  parseGrant,
  quietFor,
  refuse,
  rowsRead,
  type SentinelIdentity,
  type StepToPerform,
  type Terms,
} from "@castellan/sentinel";
import { createProcReader } from "@castellan/sentinel/pair";
import { type Gateway, type NodeView, numberAttribute } from "@castellan/store";
import { createGuard } from "../guard/guard.ts";
import { homePaths } from "../home-paths.ts";

export interface ServerGrantsDeps {
  readonly identity: SentinelIdentity;
  readonly gateway: Gateway;
  readonly system: ActorSystem;
  readonly clock: Clock;
  readonly log: Logger;
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly onSuperseded: () => void;
}

export interface ServerGrants {
  /** For the keepers of processes. */
  readonly port: Grants;
  /** Looks at a view that is on its way to somebody else. */
  tap(view: Promise<NodeView>): Promise<NodeView>;
  /** Starts to hold the grant. Call once, when the incarnation of this start has been taken. */
  begin<M extends Message>(
    context: ActorContext<M>,
    processes: ActorRef<ProcessTableCommand>,
    /** What `mayClaim` says has changed. */
    onChange: () => void,
  ): void;
  /** Whether this step may be taken in hand: what a grant is needed for waits until there is one. */
  mayClaim(step: Pick<StepToPerform, "type" | "desired">): boolean;
  confirm(asked: { readonly server: number; readonly generation: number }): { readonly confirmed: boolean };
  refuse(asked: { readonly server: number; readonly generation: number }): { readonly quietMs: number };
  /** Nothing runs here any more, and nothing will: others need not wait, if they can be told, and the guard ends. */
  giveUp(): Promise<void>;
  close(): void;
}

const PERMIT_MS = 15_000;
/** For a worker to reach the schema for the first time, milliseconds. */
const BEGIN_MS = 10_000;
const NOT_BEGUN = "it may not be started now: this worker has not reached the schema yet";
const CONFIRM_MS = 2000;
const UNGRANT_MS = 20_000;
const GIVE_UP_MS = 3000;
const READ_AGAIN_MS = 1000;

interface Wanted {
  readonly terms: Terms;
  readonly types: readonly string[];
  readonly names: ReadonlyMap<number, string>;
}

const unheard = (): void => undefined;

export function openGrants(deps: ServerGrantsDeps): ServerGrants {
  const { identity, gateway, system, clock, log, baseEnv } = deps;
  const { serverId } = identity;
  const guard = createGuard({
    paths: homePaths(identity.home),
    clock,
    log,
    proc: createProcReader(),
    environment: baseEnv,
  });
  const ending = new AbortController();
  let wanted: Wanted | null = null;
  let mayLaunch = false;
  let member = beginMember(clock.bootMs());
  let keeper: ActorRef<GrantCommand> | null = null;
  let begin: (ref: ActorRef<GrantCommand>) => void = unheard;
  const begun = new Promise<ActorRef<GrantCommand>>((resolve) => {
    begin = resolve;
  });

  const readRevocations = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        member = rowsRead(member, (await gateway.find("server_grant")).map(parseGrant));
        return;
      } catch {
        await sleep(clock, READ_AGAIN_MS, ending.signal); // until then nothing is confirmed
      }
    }
  };
  void readRevocations();

  const learn = (view: NodeView): void => {
    const place = { machineId: serverId, process: "PROCMGR", instance: 0 };
    const periodMs = numberAttribute(view.attributes, place, "ISOLATION_STOP_PERIOD") * 1000;
    const names = new Map(view.servers.map(({ id, name }) => [id, name]));
    wanted = {
      terms: { members: [...names.keys()].sort((a, b) => a - b), periodMs },
      types: [...view.types].flatMap(([name, type]) => (isGranted(type) ? [name] : [])),
      names,
    };
  };

  return {
    port: {
      guard,
      async permit() {
        const waiting = new AbortController();
        const late = sleep(clock, BEGIN_MS, waiting.signal).then(() => null);
        const holder = await Promise.race([begun, late]);
        waiting.abort();
        if (holder === null) throw new CastellanError("NOT_GRANTED", NOT_BEGUN, { retryable: true });
        return await holder.ask<"Permit">({ type: "Permit" }, { timeoutMs: PERMIT_MS });
      },
    },
    async tap(view) {
      const seen = await view;
      learn(seen);
      return seen;
    },
    begin(context, processes, onChange) {
      keeper = context.spawn(
        createGrantKeeper({
          gateway,
          serverId,
          incarnation: identity.incarnation,
          guard,
          wanted: () => wanted,
          async confirm(id, generation) {
            const host = wanted?.names.get(id);
            if (host === undefined) return false;
            const asked = { type: "ConfirmGrant", server: serverId, generation } as const;
            const asking = system.remote(Sentinel, { host }).ask<"ConfirmGrant">(asked, { timeoutMs: CONFIRM_MS });
            return (await asking).confirmed;
          },
          async stopProcesses() {
            await processes.ask<"Ungrant">({ type: "Ungrant" }, { timeoutMs: UNGRANT_MS });
          },
          onChange(may) {
            mayLaunch = may;
            onChange();
          },
          onSuperseded: deps.onSuperseded,
        }),
        "grant",
      );
      begin(keeper);
    },
    mayClaim({ type, desired }) {
      const isUp = desired === "RUNNING" || desired === "RESTARTED";
      return !isUp || mayLaunch || wanted?.types.includes(type) === false;
    },
    confirm({ server, generation }) {
      const answer = confirm(member, server, generation, clock.bootMs());
      member = answer.state;
      return { confirmed: answer.isConfirmed };
    },
    refuse({ server, generation }) {
      member = refuse(member, server, generation);
      return { quietMs: Math.max(0, quietFor(member, server, clock.bootMs())) };
    },
    async giveUp() {
      try {
        await keeper?.ask<"GiveUp">({ type: "GiveUp" }, { timeoutMs: GIVE_UP_MS });
      } catch (thrown) {
        log.warn("others are not told that this server runs nothing: they wait", { error: ensureError(thrown) });
      }
      guard.end();
    },
    close: () => ending.abort(),
  };
}
