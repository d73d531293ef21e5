/** How an ask can fail, and how a failure crosses from one side to the other. */
import { CastellanError, type ErrorShape } from "@castellan/kernel";

/** No answer within the deadline. Whether the message was acted on is unknown. */
export class AskTimeout extends CastellanError {
  constructor(path: string, type: string, timeoutMs: number) {
    super("ASK_TIMEOUT", `${path} did not answer ${type} within ${timeoutMs} ms`, {
      retryable: true,
      details: { path, type, timeoutMs },
    });
  }
}

/** Nobody is at that address now: the message was not acted on. */
export class NotReachable extends CastellanError {
  constructor(path: string, type: string, why = "no actor answers there") {
    super("NOT_REACHABLE", `${path} cannot be reached with ${type}: ${why}`, {
      retryable: true,
      details: { path, type },
    });
  }
}

/** This side is cut off from the network now: the message did not leave. It says nothing about the other side. */
export class LinkDown extends CastellanError {
  constructor(path: string, type: string) {
    super("LINK_DOWN", `the link is down: ${type} cannot be sent to ${path}`, {
      retryable: true,
      details: { path, type },
    });
  }
}

/** The other side broke while it handled the ask (code INTERNAL), or answered with something unreadable. */
export class RemoteError extends CastellanError {}

/** The message was for a holder of another epoch than the one it reached: not acted on. See `singleton.ts`. */
export class StaleEpoch extends CastellanError {
  constructor(path: string, type: string, sent: number | null, held: number) {
    const of = sent === null ? "no epoch" : `epoch ${sent}`;
    super("STALE_EPOCH", `${path} is held in epoch ${held}; ${type} came for ${of}`, {
      retryable: true,
      details: { path, type, sent, held },
    });
  }
}

/**
 * The error an asker gets for the shape that was answered: of the class it had on the other side if that is one of this
 * package and its details are in order, else a plain `CastellanError` with the same code, message and details.
 */
export function fromErrorShape(shape: ErrorShape): CastellanError {
  const { code, message, retryable, details } = shape;
  const made = retryable ? known(code, details) : null;
  if (made !== null) {
    made.message = message; // the words of whoever refused
    return made;
  }
  if (code === "INTERNAL") return new RemoteError(code, message, { retryable, details });
  return new CastellanError(code, message, { retryable, details });
}

function known(code: string, details: ErrorShape["details"]): CastellanError | null {
  const { path, type, timeoutMs, sent, held } = details;
  if (typeof path !== "string" || typeof type !== "string") return null;
  if (code === "NOT_REACHABLE") return new NotReachable(path, type);
  if (code === "LINK_DOWN") return new LinkDown(path, type);
  if (code === "ASK_TIMEOUT" && typeof timeoutMs === "number") return new AskTimeout(path, type, timeoutMs);
  if (code !== "STALE_EPOCH" || typeof held !== "number") return null;
  return typeof sent === "number" || sent === null ? new StaleEpoch(path, type, sent, held) : null;
}
