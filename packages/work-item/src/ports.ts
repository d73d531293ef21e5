/** What the desk needs from the outside, as the smallest interfaces that do. */
import type { HeaderMap, NumberedAlert } from "@castellan/protocol";

/** An alert as the bus delivers it, or what could not be read as one. */
export type AlertDelivery = {
  /** Server whose outbox it comes from: the token of its subject, which permissions guard. Null = not even that. */
  readonly origin: string | null;
  /** The oldest number its outbox can still send, when this is it. */
  readonly oldest: number | null;
} & (
  | { readonly alert: NumberedAlert }
  | {
      readonly alert: null;
      /** The same whenever the same message is delivered again; at most 64 characters. */
      readonly id: string;
      /** Its place in its outbox, when its headers say so: the place is taken, the alert is kept for people. */
      readonly place: { readonly outbox: string; readonly number: number } | null;
      readonly reason: string;
      readonly body: string;
    }
);

/** How the desk tells subscribers about work items. The same contract as a sentinel's publisher. */
export interface EventBus {
  /** Resolves when stored. Rejects with a `CastellanError`, retryable while the bus is away. Has its own deadline. */
  publish(message: {
    readonly subject: string;
    readonly headers: HeaderMap;
    readonly body: Uint8Array;
    readonly messageId: string;
  }): Promise<void>;
}
