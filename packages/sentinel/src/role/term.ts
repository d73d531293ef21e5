/** A term of mastership: what a master runs, from its beginning to its end. */
import type {
  ActorContext,
  ActorRef,
  AnyRef,
  Behavior,
  CommandOf,
  Exposure,
  Message,
  Protocol,
} from "@castellan/actor";
import { ensureError } from "@castellan/kernel";

/** What a master's parts are made with. Valid until its `stop` function is called. */
export interface Term {
  readonly epoch: number;
  /** Starts an actor that ends with the term. */
  spawn<M extends Message>(behavior: Behavior<M>, name: string): ActorRef<M>;
  /** Gives it the name {this server, protocol.actor, "-"} and {"master", protocol.actor, "-"} for the term. */
  expose<P extends Protocol>(protocol: P, ref: ActorRef<CommandOf<P>>): void;
  /** For the parts: another is master. The term ends; calling it again, or after the end, does nothing. */
  readonly onDeposed: () => void;
  /** It was ended, for another or for want of the schema; what is stopped before that is stopped with its sentinel. */
  isOver(): boolean;
}

/** Ends what is not an actor of the term (a subscription, say). Called before its actors are stopped. */
export type StopMaster = () => void | Promise<void>;
export type StartMaster = (term: Term) => StopMaster | Promise<StopMaster>;

/** Rejects, with nothing left of it, when a part does not start. Resolves with how to end it, which never rejects. */
export async function beginTerm<M extends Message>(
  context: Pick<ActorContext<M>, "log" | "spawn" | "stop" | "system">,
  startMaster: StartMaster,
  { epoch, onDeposed }: Pick<Term, "epoch" | "onDeposed">,
): Promise<() => Promise<void>> {
  const { log, system } = context;
  const children: AnyRef[] = [];
  const exposures: Exposure[] = [];
  let stopMaster: StopMaster | null = null;
  let isOver = false;

  const end = async (): Promise<void> => {
    isOver = true;
    for (const exposure of exposures.reverse()) exposure.close();
    try {
      await stopMaster?.();
    } catch (thrown) {
      log.error("a part of the master could not be stopped", { epoch, error: ensureError(thrown) });
    }
    for (const child of children.reverse()) context.stop(child);
  };
  const term: Term = {
    epoch,
    spawn(behavior, name) {
      // The last term's actor may still be ending: a name of its own.
      const ref = context.spawn(behavior, `${name}-${epoch}`);
      children.push(ref);
      return ref;
    },
    expose(protocol, ref) {
      exposures.push(system.expose(protocol, "-", ref, { as: "master" }));
    },
    onDeposed,
    isOver: () => isOver,
  };
  try {
    stopMaster = await startMaster(term);
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return end;
}
