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

/** The error an asker gets for the shape that was answered. */
export function fromErrorShape(shape: ErrorShape): CastellanError {
  const { code, message, retryable, details } = shape;
  if (code === "INTERNAL") return new RemoteError(code, message, { retryable, details });
  if (code === "NOT_REACHABLE") {
    return new NotReachable(String(details["path"]), String(details["type"]), "the actor there has stopped");
  }
  return new CastellanError(code, message, { retryable, details });
}
