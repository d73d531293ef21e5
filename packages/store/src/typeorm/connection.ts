/** What a database must offer to the gateway: a read, a commit in one go, and an end. */
import { CastellanError } from "@castellan/kernel";
import type { BatchStatement, Statement } from "./statements.ts";

/** A statement of a commit that did not do what it should: which one, and the driver's error or null for a missed guard. */
export class BatchFailure extends Error {
  readonly at: number;

  constructor(at: number, cause: unknown) {
    super("a statement of a commit failed", { cause });
    this.name = "BatchFailure";
    this.at = at;
  }
}

export interface Connection {
  read(statement: Statement): Promise<Readonly<Record<string, unknown>>[]>;
  /**
   * All statements in one transaction, or none. Throws `BatchFailure` for one that missed its guard (no cause) or was
   * refused (the driver's error is the cause), the driver's error when the transaction itself failed.
   */
  commit(statements: readonly BatchStatement[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** What a snapshot answers to a commit. */
export const notWritten = (): Promise<never> =>
  Promise.reject(new CastellanError("READ_ONLY", "a snapshot is read, never written"));
