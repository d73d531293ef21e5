/** The bus as those who publish events need it. */
import type { HeaderMap } from "@castellan/protocol";

export interface BusMessage {
  readonly subject: string;
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  /** A message with an id that the bus stored lately is not stored again. */
  readonly messageId: string;
}

export interface BusPublisher {
  /**
   * Resolves when the bus has stored the message (or had it already). Rejects with a `CastellanError`: retryable when
   * the bus is away or slow (it may have stored the message all the same), not retryable when it never takes this one.
   * Has a deadline of its own.
   */
  publish(message: BusMessage): Promise<void>;
}
