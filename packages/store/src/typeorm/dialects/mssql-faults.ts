/** What SQL Server's errors mean, by number, and what a person can do about them. */
import { systemCode } from "@castellan/kernel";
import type { Fault } from "./dialect.ts";

const KINDS: ReadonlyMap<number, "duplicate" | "reference" | "busy" | "schema"> = new Map([
  [2601, "duplicate"],
  [2627, "duplicate"],
  [547, "reference"],
  // Deadlock victim, lock timeout, snapshot conflict, a commit that was given up, too many requests at once.
  [1205, "busy"],
  [1222, "busy"],
  [3960, "busy"],
  [50_002, "busy"],
  [10_928, "busy"],
  [10_929, "busy"],
  [40_501, "busy"],
  [207, "schema"],
  [208, "schema"],
]);

const RIGHTS = "make the user a member of db_datareader and db_datawriter, and for migrations of db_ddladmin";
const LOGIN = "check the user in the database URL, its password in the passwordFile, and that SQL logins are allowed";
const FORBIDDEN: ReadonlyMap<number, string> = new Map([
  [229, RIGHTS],
  [230, RIGHTS],
  [262, RIGHTS],
  [297, RIGHTS],
  [300, RIGHTS],
  [916, "make the login a user of the database: CREATE USER name FOR LOGIN name"],
  [18_456, LOGIN],
  [18_470, "the login is disabled: ALTER LOGIN name ENABLE"],
  [18_486, "the login is locked: ALTER LOGIN name WITH PASSWORD = '...' UNLOCK"],
  [18_487, "the login's password has expired: give it another one, and put it into the passwordFile"],
  [18_488, "the login's password must be changed: do so, and put it into the passwordFile"],
]);

const DISK = "the server's disk failed: look into its error log, and run DBCC CHECKDB";
const MEMORY = "the server lacks memory";
const GROUP = "this replica does not serve the database now: connect to the availability group's listener";
const GOING = "the server is going down, or has ended the session";
const UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [701, MEMORY],
  [802, MEMORY],
  [8645, MEMORY],
  [823, DISK],
  [824, DISK],
  [825, DISK],
  [1101, "the database's files are full: free some space, or let them grow"],
  [1105, "the database's files are full: free some space, or let them grow"],
  [9002, "the database's log is full: back it up, or let it grow"],
  [3906, "the database is read-only: connect to the primary"],
  [3908, GROUP],
  [927, GROUP],
  [976, GROUP],
  [978, GROUP],
  [983, GROUP],
  [596, GOING],
  [6005, GOING],
  [17_142, GOING],
  [40_197, GOING],
  [40_613, GOING],
  [3952, "a backup reads one moment: ALTER DATABASE name SET ALLOW_SNAPSHOT_ISOLATION ON"],
  // Ours (`mssql.ts`): the server has waited for it already.
  [50_003, "run this again when it has ended"],
  [4060, "create it, make the login a user of it, or correct the database URL"],
]);
/** The next connection may reach the server again, or its successor. */
const PASSING: ReadonlySet<number> = new Set([596, 6005, 40_197, 40_613, 976, 983]);

/** The driver's own codes. A login that was refused comes without a number. */
const LOST = "the connection was lost: check the network and the server";
const CODES: ReadonlyMap<string, string> = new Map([
  ["ESOCKET", "check that the server runs and can be reached, and what the URL says about encryption"],
  ["ETIMEOUT", "the server did not answer in time: check that it runs, and what holds it up"],
  // The system's own words for a socket under a request come through, too.
  ...["ECONNCLOSED", "ECLOSE", "ENOTOPEN", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"].map(
    (code) => [code, LOST] as const,
  ),
  ["EINSTLOOKUP", "the SQL Server Browser does not know the instance: check its name, or give a port instead"],
  ["TimeoutError", "no connection became free in time: the server does not keep up"],
]);
const NO_DATABASE = /cannot open (server|database)/i;
/** A socket that was refused or broke, not one that timed out or whose host has no address. */
const BROKEN = /ECONNREFUSED|ECONNRESET|EPIPE|connection lost|socket hang up|closed/i;

export function classify(thrown: unknown): Fault {
  const number = numberOf(thrown);
  if (number !== undefined) return byNumber(number);
  const { name = "", message = "" } = thrown instanceof Error ? thrown : {};
  const code = systemCode(thrown) ?? name;
  if (code === "ELOGIN") return NO_DATABASE.test(message) ? byNumber(4060) : { kind: "forbidden", remedy: LOGIN };
  const remedy = CODES.get(code);
  if (remedy === undefined) return { kind: "defect" };
  return { kind: "unavailable", remedy, passing: code !== "ETIMEOUT" && BROKEN.test(message) };
}

/** Of an error that the server itself has sent. */
export function numberOf(thrown: unknown): number | undefined {
  const number = typeof thrown === "object" && thrown !== null && "number" in thrown ? thrown.number : undefined;
  return typeof number === "number" ? number : undefined;
}

function byNumber(number: number): Fault {
  const kind = KINDS.get(number);
  if (kind !== undefined) return { kind };
  const rights = FORBIDDEN.get(number);
  if (rights !== undefined) return { kind: "forbidden", remedy: rights };
  const remedy = UNAVAILABLE.get(number);
  if (remedy !== undefined) return { kind: "unavailable", remedy, passing: PASSING.has(number) };
  return { kind: "defect" };
}
