/**
 * A process keeper: performs what `keeper-decide.ts` decides for one instance of this server, and is the only writer of
 * its record and its status.
 *
 * K1 A launch happens only when its intent is in its record (`record.ts`, R1).
 * K2 The death of a child is handled in the turn in which the system tells it; of an adopted
 *    process, when the death watch next looks.
 * K3 Whatever throws here, the process lives on: a restarted keeper begins from the record and looks for its process.
 */
import {
  type ActorContext,
  type Behavior,
  type ReplyTo,
  receive,
  restart,
  setup,
  stopped,
  supervise,
} from "@castellan/actor";
import { CastellanError, ensureError } from "@castellan/kernel";
import { type ProcessStatus, processLabel } from "@castellan/protocol";
import { decide } from "./keeper-decide.ts";
import type { KeeperDeps } from "./keeper-deps.ts";
import { createKeeperHands } from "./keeper-hands.ts";
import type { KeeperCommand } from "./keeper-messages.ts";
import { type KeeperEvent, statusOf } from "./keeper-state.ts";
import { isGranted } from "./record.ts";

/** Of a type that nobody knows any more. */
const GRANTED = { layer: "foreground", exclusive: true } as const;

type BringReply = { status: ProcessStatus; comment: string };

export function createProcessKeeper(deps: KeeperDeps): Behavior<KeeperCommand> {
  return supervise(
    setup((context: ActorContext<KeeperCommand>) => keep(deps, context)),
    restart({ maxRestarts: 10, withinMs: 60_000, backoff: { firstMs: 100, maxMs: 5000 } }),
  );
}

function keep(deps: KeeperDeps, context: ActorContext<KeeperCommand>): Behavior<KeeperCommand> {
  const askers = new Map<number, ReplyTo<BringReply>>();
  let lastAsker = 0;
  let isRetiring = false;
  let hasBegun = false;
  const hands = createKeeperHands(deps, context, {
    answer: (asker, status, comment) => take(askers, asker)?.success({ status, comment }),
    refuse: (asker, code, message) =>
      take(askers, asker)?.refuse(new CastellanError(code, `${processLabel(deps.key)}: ${message}`)),
  });

  const happen = async (first: KeeperEvent): Promise<Behavior<KeeperCommand> | void> => {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const decision = decide(hands.state, event, context.clock.bootMs());
      hands.become(decision.state);
      for (const effect of decision.effects) {
        const performed = hands.perform(effect);
        const follows = performed instanceof Promise ? await performed : performed;
        if (follows !== null) events.push(follows);
      }
    }
    if (!isRetiring || hands.state.phase.at !== "stopped") return undefined;
    await hands.forget();
    return stopped();
  };
  const maybe = async (event: KeeperEvent | null) => (event === null ? undefined : await happen(event));

  const begin = async (): Promise<Behavior<KeeperCommand> | void> => {
    if (hasBegun) return undefined;
    hasBegun = true;
    return await maybe(hands.begin());
  };

  context.self.tell({ type: "Begin" });
  return receive<KeeperCommand>(
    {
      Begin: begin,
      Bring: ({ desired, launchId }, replyTo) => {
        lastAsker += 1;
        askers.set(lastAsker, replyTo);
        const isPausable = hands.definition()?.pausable ?? false;
        return happen({ type: "bring", asker: lastAsker, desired, launchId, isPausable });
      },
      GetStatus: (_message, replyTo) => {
        const { comment, restarts } = hands.state;
        replyTo.success({ status: statusOf(hands.state), comment, restarts, pid: hands.pid() });
      },
      Exited: ({ process, how }) => maybe(hands.exited(process, how)),
      CheckGone: () => maybe(hands.checkGone()),
      ReadinessKnown: ({ process, result }) => {
        if (result.ready) return happen({ type: "ready", process });
        if (result.reason === "aborted") return undefined;
        return happen({ type: "not-ready", process, reason: result.reason, policy: hands.policy() });
      },
      GraceElapsed: () => happen({ type: "grace-elapsed" }),
      KillOverdue: () => happen({ type: "kill-overdue" }),
      BackoffElapsed: () => happen({ type: "backoff-elapsed" }),
      AlertTold: ({ cause, phase }) => happen({ type: "alert-told", cause, phase }),
      SaveAgain: () => hands.save(),
      Configure: ({ settings }) => hands.configure(settings),
      ReadOutput: (request, replyTo) => hands.output.read(request, replyTo),
      DumpLog(_message, replyTo) {
        hands.dump().then(
          (file) => replyTo.success({ file }),
          (thrown: unknown) => replyTo.refuse(new CastellanError("DUMP_FAILED", ensureError(thrown).message)),
        );
      },
      async Ungrant(_message, replyTo) {
        await begin(); // it may have come first, and what it does is of the grant that has ended
        const isMeant = isGranted(hands.definition() ?? GRANTED);
        const next = isMeant ? await happen({ type: "ungranted" }) : undefined;
        replyTo.success(undefined);
        return next;
      },
      Retire: () => {
        isRetiring = true;
        return happen({ type: "retire" });
      },
    },
    {
      stopping() {
        hands.letGo();
        for (const replyTo of askers.values()) {
          replyTo.refuse(
            new CastellanError("KEEPER_STOPPED", "the sentinel stops keeping; its next start goes on", {
              retryable: true,
            }),
          );
        }
      },
    },
  );
}

function take<V>(map: Map<number, V>, key: number): V | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
