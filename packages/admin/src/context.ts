/** What an administrator's function works with: the shared schema, the bus if there is one, and who is acting. */
import { CastellanError, type Clock, type IdSource } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";

export interface BusMessage {
  readonly subject: string;
  readonly body: Uint8Array;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The bus as an administrator needs it. Connects when it is first used. */
export interface BusPort {
  /** Whether a server of the bus answers now. Never rejects, and has a deadline of its own. */
  reachable(): Promise<boolean>;
  /** Rejects with NOT_REACHABLE (no connection, or nobody listens), TIMED_OUT or NOT_PERMITTED. */
  request(
    subject: string,
    body: Uint8Array,
    timeoutMs: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<BusMessage>;
  /** Fire and forget. Rejects with NOT_REACHABLE when it has not left this program. */
  publish(subject: string, body: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Calls back for each stored event on a subject until closed: in order, none left out across reconnections; the same may
   * come more than once. From now on, or from `sinceMs` ago. `caughtUp`, once: all of the past has come. Rejects with
   * NOT_REACHABLE.
   */
  tail(
    events: { readonly stream: string; readonly subject: string; readonly sinceMs: number | null },
    listener: { message(message: BusMessage): void; caughtUp(): void },
  ): Promise<{ close(): void }>;
}

export interface AdminContext {
  readonly gateway: Gateway;
  /** Null when the bus is known to be away: what needs it then fails with NOT_REACHABLE. */
  readonly bus: BusPort | null;
  /** The acting user, the host the command runs on, and program and command: all go into the audit log. */
  readonly user: string;
  readonly station: string;
  readonly command: string;
  readonly clock: Clock;
  readonly newId: IdSource;
  /** Name of the node. */
  readonly node: string;
}

/** The bus, or NOT_REACHABLE. */
export function requireBus({ bus }: Pick<AdminContext, "bus">): BusPort {
  if (bus) return bus;
  throw new CastellanError("NOT_REACHABLE", "the bus of this node cannot be reached", { retryable: true });
}
