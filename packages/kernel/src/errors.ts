/** The base of every expected failure: a stable code, whether trying again can help, and what to do about it. */

export interface ErrorOptions {
  /** Trying the same thing again later can succeed. Default false. */
  readonly retryable?: boolean;
  /** The data needed to act: names, paths, numbers. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What crosses a process border in place of an error. */
export interface ErrorShape {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export class CastellanError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  toShape(): ErrorShape {
    return { code: this.code, message: this.message, retryable: this.retryable, details: this.details };
  }
}

/** Turns anything thrown into an `Error`. */
export function ensureError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(typeof thrown === "string" ? thrown : `thrown value: ${String(thrown)}`);
}

/** The wire form of anything thrown: a `CastellanError` keeps its code, all else is an internal defect. */
export function toErrorShape(thrown: unknown): ErrorShape {
  if (thrown instanceof CastellanError) return thrown.toShape();
  return { code: "INTERNAL", message: ensureError(thrown).message, retryable: false, details: {} };
}

/** The operating system's code (`ENOENT`, `EACCES`, ...) of a thrown value, if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
