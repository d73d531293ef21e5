/** What Oracle's errors (`ORA-`) and its driver's (`NJS-`) mean, and what a person can do about them. */
import { systemCode } from "@castellan/kernel";
import type { Fault } from "./dialect.ts";

const KINDS: ReadonlyMap<string, "duplicate" | "reference" | "busy" | "schema"> = new Map([
  ["ORA-00001", "duplicate"],
  ["ORA-02291", "reference"],
  ["ORA-02292", "reference"],
  // A lock that is held, a deadlock, a serialization failure, a read that took too long for its snapshot.
  ["ORA-00054", "busy"],
  ["ORA-00060", "busy"],
  ["ORA-08177", "busy"],
  ["ORA-01555", "busy"],
  ["ORA-30006", "busy"],
  // The server interrupted the call, as it was told to: a lock was held for longer than we wait.
  ["NJS-123", "busy"],
  ["ORA-01013", "busy"],
  // Too many processes or sessions; starting up, or shutting down.
  ["ORA-00018", "busy"],
  ["ORA-00020", "busy"],
  ["ORA-01033", "busy"],
  ["ORA-12516", "busy"],
  ["ORA-12519", "busy"],
  ["ORA-12520", "busy"],
  ["ORA-12528", "busy"],
  ["ORA-00942", "schema"],
  ["ORA-00904", "schema"],
]);

const PASSWORD = "check the user in the database URL and its password in the passwordFile";
const SPACE = "the tablespace is full: add space to it, or raise the user's quota";

const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ["ORA-01017", PASSWORD],
  ["NJS-101", "name a passwordFile in castellan.yaml"],
  ["ORA-01005", "name a passwordFile in castellan.yaml"],
  ["ORA-28000", "the account is locked: ALTER USER name ACCOUNT UNLOCK, and look for who tries a wrong password"],
  ["ORA-28001", "the password has expired: change it, and the passwordFile of every server"],
  ["ORA-01045", "GRANT CREATE SESSION TO the user"],
  ["ORA-01031", "a right is missing: docs/databases.md lists what the user needs"],
  [
    "ORA-06550",
    "the commit block does not compile for this user: GRANT EXECUTE ON DBMS_SQL; Oracle 12.2 or later is needed",
  ],
  ["ORA-01950", "the user has no quota: ALTER USER name QUOTA UNLIMITED ON tablespace"],
  ["NJS-087", "the token in the tokenFile has expired: whatever renews it has stopped"],
]);

const UNAVAILABLE: ReadonlyMap<string, string> = new Map([
  ["ORA-01653", SPACE],
  ["ORA-01654", SPACE],
  ["ORA-01658", SPACE],
  ["ORA-01691", SPACE],
  ["ORA-30036", "the undo tablespace is full: add space to it"],
  ["ORA-00257", "the archive log destination is full: free some space there"],
  ["ORA-19809", "the recovery area is full: free some space there"],
  ["ORA-01536", "the user's quota is used up: raise it"],
  ["ORA-16000", "this database is open read-only: connect to the primary"],
  ["ORA-12514", "the listener does not know the service: correct the URL, or start the database"],
  ["ORA-12505", "the listener does not know the SID: correct the URL, or start the database"],
  ["ORA-12541", "no listener there: check host, port and that it runs"],
  ["ORA-01034", "the database is not open: start it"],
  ["ORA-01035", "the database is open to administrators only: ALTER SYSTEM DISABLE RESTRICTED SESSION"],
  ["NJS-505", "TLS could not be set up: check the wallet"],
  ["NJS-506", "TLS failed: check the wallet and the server's certificate"],
  ["NJS-507", "the server's certificate has another name: check ssl_server_cert_dn in the URL"],
  ["NJS-508", "the server's certificate is not for this host: check the URL, or ssl_server_dn_match in it"],
  ["NJS-516", "tns_admin in the URL must name the directory of tnsnames.ora"],
  ["NJS-517", "the name is not in tnsnames.ora: correct the URL"],
  ["NJS-518", "the listener does not know the service: correct the URL, or start the database"],
  ["NJS-519", "the listener does not know the SID: correct the URL, or start the database"],
  ["NJS-520", "tns_admin in the URL must name the directory of tnsnames.ora"],
  ["NJS-530", "the host has no address: correct the URL, or the name service"],
  ["NJS-138", "this server is too old: Oracle 12.2 or later is needed"],
]);

const UNREACHABLE = "check that the server runs and can be reached";

/** The connection broke, or was refused, or the server is going down: the next one may reach it, or its successor. */
const PASSING =
  /^(NJS-(003|500|501|503|511|521)|ORA-(00028|01012|01089|01092|02396|03113|03114|03135|12537|12541|12547|12570|25408)|ECONNREFUSED|ECONNRESET|EPIPE)$/;
/** A connection that could not be made in time, or at all. */
const NO_CONNECTION = /^(NJS-(040|5\d\d)|ORA-(125\d\d|121\d\d)|E[A-Z]{3,})$/;

const NO_TABLE = /ORA-00942/;

export function classify(thrown: unknown): Fault {
  const code = oracleCode(thrown);
  // A block that does not compile says why in its text.
  const kind = code === "ORA-06550" && NO_TABLE.test(String(thrown)) ? "schema" : KINDS.get(code);
  if (kind !== undefined) return { kind };
  const rights = FORBIDDEN.get(code);
  if (rights !== undefined) return { kind: "forbidden", remedy: rights };
  const passing = PASSING.test(code);
  const remedy = UNAVAILABLE.get(code);
  if (remedy !== undefined) return { kind: "unavailable", remedy, passing };
  if (passing || NO_CONNECTION.test(code)) return { kind: "unavailable", remedy: UNREACHABLE, passing };
  return { kind: "defect" };
}

/** `ORA-00001`, `NJS-500`, a code of the system, or nothing. */
export function oracleCode(thrown: unknown): string {
  return systemCode(thrown) ?? "";
}

/**
 * Whether the server itself said what became of the call. `NJS-123` is its answer to a break: it has given the call up.
 * What it says while it ends a session is said whatever that was doing. Of a commit see `isInterrupted`, too.
 */
export function isAnswer(thrown: unknown): boolean {
  const code = oracleCode(thrown);
  return code === "NJS-123" || (/^ORA-\d{5}$/.test(code) && !PASSING.test(code));
}

/** A call was broken off. It may have done all it was told by then: a server that is just committing looks up only afterwards. */
export function isInterrupted(thrown: unknown): boolean {
  return /^(NJS-123|ORA-01013)$/.test(oracleCode(thrown));
}

/** The driver saw that the connection was gone before it wrote to it. */
export function isUnsent(thrown: unknown): boolean {
  return oracleCode(thrown) === "NJS-003";
}
