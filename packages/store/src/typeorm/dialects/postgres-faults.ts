/** What PostgreSQL's errors mean, by SQLSTATE or its class of two characters, and what a person can do about them. */
import { systemCode } from "@castellan/kernel";
import type { Fault } from "./dialect.ts";

const KINDS: ReadonlyMap<string, "duplicate" | "reference" | "busy" | "schema"> = new Map([
  ["23505", "duplicate"],
  ["23503", "reference"],
  // Serialization failure, deadlock, lock timeout, too many connections, starting up or shutting down.
  ["40001", "busy"],
  ["40P01", "busy"],
  ["55P03", "busy"],
  ["53300", "busy"],
  ["57P03", "busy"],
  ["42P01", "schema"],
  ["42703", "schema"],
  ["42883", "schema"],
  ["3F000", "schema"],
]);

const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ["28", "check the user in the database URL, its password in the passwordFile, and the server's pg_hba.conf"],
  ["42501", "make the user the owner of its database: ALTER DATABASE name OWNER TO user"],
]);

const UNAVAILABLE: ReadonlyMap<string, string> = new Map([
  ["08", "the connection was lost: check the network and the server"],
  ["57", "the server is going down, or cancelled the statement for taking too long"],
  ["53", "the server lacks disk, memory or connections"],
  ["58", "the server's disk failed: look into its log"],
  ["XX", "the server's data are damaged, or it has a defect: look into its log"],
  ["25006", "this server is read-only: connect to the primary"],
  ["3D", "create it (createdb --owner USER NAME), or correct the database URL"],
]);

/** What TLS says of the server's certificate, by the codes of Node.js. */
const CERTIFICATE: ReadonlyMap<string, string> = new Map([
  ["ERR_TLS_CERT_ALTNAME_INVALID", "write the host name that is in the server's certificate into the database URL"],
  ["CERT_HAS_EXPIRED", "give the server a new certificate"],
  ...[
    "SELF_SIGNED_CERT_IN_CHAIN",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "CERT_SIGNATURE_FAILURE",
  ].map(
    (code) =>
      [code, "sslrootcert in the database URL must name the authority that signed the server's certificate"] as const,
  ),
]);
/** The driver's words for a server without TLS. */
const NO_TLS = /does not support SSL/i;

/** The server ends its sessions; the next one may reach it again, or its successor. */
const PASSING = /^(57P01|57P02|08\w{3}|ECONNREFUSED|ECONNRESET|EPIPE)$/;
/** The driver's words for a connection that was there and is not any more. */
const BROKEN = /terminated unexpectedly|not queryable/i;
/** The same for a server that asks for a password, and none to give. */
const NO_PASSWORD = /client password must be/i;
const NO_CONNECTION = /connect|terminat|timeout|not queryable/i;

export function classify(thrown: unknown): Fault {
  const code = systemCode(thrown) ?? "";
  const message = thrown instanceof Error ? thrown.message : "";
  const kind = KINDS.get(code);
  if (kind !== undefined) return { kind };
  const rights = byCode(FORBIDDEN, code);
  if (rights !== undefined) return { kind: "forbidden", remedy: rights };
  if (code === "" && NO_PASSWORD.test(message))
    return { kind: "forbidden", remedy: "name a passwordFile in castellan.yaml" };
  const passing = PASSING.test(code) || (code === "" && BROKEN.test(message));
  const remedy = CERTIFICATE.get(code) ?? byCode(UNAVAILABLE, code);
  if (remedy !== undefined) return { kind: "unavailable", remedy, passing };
  if (code === "" && NO_TLS.test(message))
    return { kind: "unavailable", remedy: "turn ssl on in the server's postgresql.conf", passing: false };
  // The system's code, or the driver's words: an error of the server has a SQLSTATE, none of which reads like this.
  if (/^E[A-Z_]{3,}$/.test(code) || (code === "" && NO_CONNECTION.test(message))) {
    return { kind: "unavailable", remedy: "check that the server runs and can be reached", passing };
  }
  return { kind: "defect" };
}

function byCode(texts: ReadonlyMap<string, string>, code: string): string | undefined {
  return texts.get(code) ?? texts.get(code.slice(0, 2));
}
