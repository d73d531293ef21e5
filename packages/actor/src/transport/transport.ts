/** How bytes get from one system to another: the port that a network implements. It knows addresses, not messages. */

/** Tokens `[a-z0-9_-]`. */
export interface Address {
  readonly host: string;
  readonly actor: string;
  readonly key: string;
}

export type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly body: Uint8Array;
  readonly headers: Headers;
}

/** Called for each message; `reply` is absent when nobody waits for an answer. What it throws is the transport's to log. */
export type RequestListener = (
  verb: string,
  body: Uint8Array,
  headers: Headers,
  reply?: (body: Uint8Array, headers: Headers) => void,
) => void;

/** Called instead for a message that came in faster than messages are handled: it was not kept. */
export type OverloadListener = (verb: string, reply?: (body: Uint8Array, headers: Headers) => void) => void;

export interface Transport {
  /** The host name of this side. */
  readonly self: string;
  /** Receives every verb of one address until closed. */
  serve(address: Address, onRequest: RequestListener, onOverload?: OverloadListener): { close(): void };
  /** Fire and forget. Throws when it is certain that it cannot leave (`LinkDown`, closed, too large). */
  send(address: Address, verb: string, body: Uint8Array, headers: Headers): void;
  /** Rejects with `AskTimeout`, `NotReachable` when it is certain that nobody serves the address, or `LinkDown`. */
  request(address: Address, verb: string, body: Uint8Array, headers: Headers, timeoutMs: number): Promise<Answer>;
  /** Whether the other side of the link answers now. */
  readonly up: boolean;
  /** Calls back when the link goes up or down; returns how to end that. */
  onLink(listener: (up: boolean) => void): () => void;
  /** Stops serving, ends what waits. Does not close a connection that it was given. */
  close(deadlineMs: number): Promise<void>;
}
