/**
 * What goes between a program and the thread that has its SQLite file open. Both ends are of one release, unless the program was
 * exchanged on disk while it runs: then a thread that it begins is of the next one.
 */
import { ensureError, systemCode } from "@castellan/kernel";
import { StoreAmbiguous, StoreUnavailable } from "../errors.ts";
import { BatchFailure } from "./connection.ts";
import type { BatchStatement, Statement } from "./statements.ts";

/** Goes up whenever something here gets another meaning. */
const SPOKEN = 1;

/** What a thread is begun with. */
export interface ThreadStart {
  readonly path: string;
  /** The file was there when this program opened it first. */
  readonly mustExist: boolean;
}

export const encodeThreadStart = (start: ThreadStart): unknown => ({ spoken: SPOKEN, ...start });

/** Throws `StoreUnavailable` for what a program of another release says. */
export function parseThreadStart(said: unknown): ThreadStart {
  if (isSpokenStart(said) && said.spoken === SPOKEN) return said;
  throw new StoreUnavailable(
    "the program was exchanged on disk while it ran, and its successor's thread does not understand it: exchange the running one too (castellan upgrade)",
  );
}

function isSpokenStart(said: unknown): said is ThreadStart & { readonly spoken: number } {
  return (
    typeof said === "object" &&
    said !== null &&
    "spoken" in said &&
    typeof said.spoken === "number" &&
    "path" in said &&
    typeof said.path === "string" &&
    "mustExist" in said &&
    typeof said.mustExist === "boolean"
  );
}

export type ThreadRequest =
  | { readonly what: "open" }
  | { readonly what: "read"; readonly statement: Statement }
  | { readonly what: "commit"; readonly statements: readonly BatchStatement[] }
  | { readonly what: "close" };

export type ThreadAnswer =
  | { readonly kind: "rows"; readonly rows: Readonly<Record<string, unknown>>[] }
  | { readonly kind: "touched"; readonly touched: readonly number[] }
  | { readonly kind: "done" }
  | { readonly kind: "fault"; readonly fault: ThreadFault };

/** An error in words: what the driver throws cannot be copied as it is. */
export interface ThreadFault {
  readonly named: "unavailable" | "ambiguous" | null;
  /** The statement of a commit that it is about. */
  readonly at: number | null;
  /** Null: a guard that missed. */
  readonly message: string | null;
  readonly code: string | null;
  /** better-sqlite3 has no code for what it finds out before SQLite does: the dialect knows it by its class. */
  readonly isTypeError: boolean;
}

export function faultOf(thrown: unknown): ThreadFault {
  const at = thrown instanceof BatchFailure ? thrown.at : null;
  const cause = thrown instanceof BatchFailure ? thrown.cause : thrown;
  return {
    named: thrown instanceof StoreUnavailable ? "unavailable" : thrown instanceof StoreAmbiguous ? "ambiguous" : null,
    at,
    message: cause === undefined ? null : ensureError(cause).message,
    code: systemCode(cause) ?? null,
    isTypeError: cause instanceof TypeError,
  };
}

/** What `faultOf` was made of, as whoever called for it can tell it apart. */
export function thrownBy(fault: ThreadFault): Error {
  const { named, at, message } = fault;
  if (named === "unavailable") return new StoreUnavailable(message ?? "");
  if (named === "ambiguous") return new StoreAmbiguous(message ?? "");
  const cause = message === null ? undefined : driverError(message, fault);
  return at === null && cause !== undefined ? cause : new BatchFailure(at ?? 0, cause);
}

function driverError(message: string, { code, isTypeError }: ThreadFault): Error {
  const error = isTypeError ? new TypeError(message) : new Error(message);
  return code === null ? error : Object.assign(error, { code });
}
