/** What SQL Server would say: its own refusals, and H2's in its numbers. */
import { H2Error } from "../h2.ts";

/** An error as it goes over the wire, and as `TRY ... CATCH` sees it. */
export class SqlServerError extends Error {
  readonly number: number;
  readonly severity: number;
  readonly state = 1;

  constructor(number: number, message: string, severity = 16) {
    super(message);
    this.name = "SqlServerError";
    this.number = number;
    this.severity = severity;
  }
}

export const loginFailed = (user: string): SqlServerError =>
  new SqlServerError(18456, `Login failed for user '${user}'.`, 14);
export const noDatabase = (name: string): SqlServerError =>
  new SqlServerError(4060, `Cannot open database "${name}" requested by the login. The login failed.`, 11);

/** By H2's code. */
const NUMBERS: ReadonlyMap<number, number> = new Map([
  [23_502, 515], // NULL not allowed
  [23_503, 547], // has children
  [23_506, 547], // no parent
  [22_001, 2628], // too long
  [22_003, 8115], // out of range
  [50_200, 1222], // lock timeout
  [40_001, 1205], // deadlock
  [42_102, 208], // no table
  [42_104, 208],
  [42_122, 207], // no column
  [42_101, 2714], // there already
  [42_000, 102], // syntax
  [42_001, 102],
]);
const DUPLICATE = 23_505;
/** A unique constraint is violated with 2627, a unique index with 2601. */
const PRIMARY_KEY = /PRIMARY KEY ON/i;

/** Throws on what is no refusal of a database. */
export function asServerError(thrown: unknown): SqlServerError {
  if (thrown instanceof SqlServerError) return thrown;
  if (!(thrown instanceof H2Error)) throw thrown;
  const message = thrown.message.split("; SQL statement")[0] ?? "";
  const number = thrown.code === DUPLICATE ? (PRIMARY_KEY.test(message) ? 2627 : 2601) : NUMBERS.get(thrown.code);
  return new SqlServerError(number ?? 50_000, message.slice(0, 2000));
}
