/**
 * How a SQL Server is reached.
 *
 * M1 Every wait ends: to connect, for a connection of the pool, for a lock (`SESSION_LIMITS`), for an answer, for the server to
 *    confirm that it has given a request up.
 * M2 The connection is encrypted and the server's certificate checked, unless the URL says otherwise.
 * M3 Nothing secret is in the URL: the passwordFile holds what the way to log in needs, and is read again when a login is refused.
 */
import { readFileSync } from "node:fs";
import { CastellanError, ensureError } from "@castellan/kernel";
import type { MssqlConfig } from "./driver.ts";

/** To connect, which takes five exchanges with TLS and a login, milliseconds. */
const CONNECT_MS = 5_000;
/** After this a request is called off, milliseconds. */
const ANSWER_MS = 3_000;
/** A migration's statements: an index over many rows takes its time. Only other migrations wait. Milliseconds. */
const MIGRATING_MS = 60_000;
/** How long the server may take to confirm that, milliseconds; then the connection is broken off. */
const CANCEL_MS = 1_000;
const POOL_SIZE = 4;
/** A connection that nobody needs is closed after this, milliseconds. */
const IDLE_MS = 5_000;
/** A connection that holds what was settled: by then nothing is left in any socket. Milliseconds. */
const SETTLED_MS = 600_000;

/** What a connection is for. */
export type MssqlWork = "serving" | "settling" | "migrating" | "copying";

/** Answers are waited for as long, of a pool of so many, each kept so long without work; in `sys.dm_exec_sessions` it is called so. */
const WORKS: Readonly<
  Record<MssqlWork, { readonly answerMs: number; readonly max: number; readonly idleMs: number; readonly name: string }>
> = {
  serving: { answerMs: ANSWER_MS, max: POOL_SIZE, idleMs: IDLE_MS, name: "castellan" },
  settling: { answerMs: ANSWER_MS, max: 1, idleMs: SETTLED_MS, name: "castellan settling" },
  migrating: { answerMs: MIGRATING_MS, max: 1, idleMs: IDLE_MS, name: "castellan migration" },
  copying: { answerMs: MIGRATING_MS, max: 1, idleMs: IDLE_MS, name: "castellan backup" },
};

/** What a URL may say about the connection, as the driver calls it. */
const FLAGS = ["trustServerCertificate", "multiSubnetFailover"] as const;
const WORDS = ["encrypt", "ca", "hostNameInCertificate", "instanceName", "authentication"] as const;

/** Ways to log in: what the driver calls them, which words of the URL they take, and how it calls the secret. */
const LOGINS: Readonly<
  Record<string, { readonly type: string; readonly words: readonly string[]; readonly secret: string | null }>
> = {
  sql: { type: "default", words: [], secret: "password" },
  ntlm: { type: "ntlm", words: ["domain"], secret: "password" },
  "azure-password": { type: "azure-active-directory-password", words: ["clientId", "tenantId"], secret: "password" },
  "azure-service-principal": {
    type: "azure-active-directory-service-principal-secret",
    words: ["clientId", "tenantId"],
    secret: "clientSecret",
  },
  "azure-token": { type: "azure-active-directory-access-token", words: [], secret: "token" },
  "azure-default": { type: "azure-active-directory-default", words: ["clientId"], secret: null },
  "azure-msi": { type: "azure-active-directory-msi-vm", words: ["clientId", "msiEndpoint"], secret: null },
};

/** What a URL says; connects to nothing. */
export interface MssqlSettings {
  /** With the secret in its place: a password, a token, or nothing. */
  config(secret: string | null, work: MssqlWork): MssqlConfig;
  /** Whether the way to log in needs what the passwordFile holds. */
  readonly needsSecret: boolean;
}

/** Throws an `Error` that says what of the URL cannot be used. */
export function mssqlSettings(address: string): MssqlSettings {
  const url = new URL(address);
  const words = url.searchParams;
  const word = (name: string): string | undefined => words.get(name) ?? undefined;
  const login = LOGINS[word("authentication") ?? "sql"];
  if (login === undefined) throw new Error(`authentication is one of ${Object.keys(LOGINS).join(", ")}`);
  const known = [...FLAGS, ...WORDS, ...login.words];
  const unknown = [...words.keys()].find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`it says ${unknown}, which is none of ${known.join(", ")}`);
  const instanceName = word("instanceName");
  if (instanceName !== undefined && url.port !== "")
    throw new Error("an instance is found by its name or by a port, not by both");
  const user = decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === "") throw new Error("it names no database; write mssql://USER@HOST:PORT/DATABASE");
  const tls = tlsOf(word("encrypt"), word("ca"));
  const flags = FLAGS.flatMap((name) => (words.has(name) ? [[name, isTrue(name, word(name))] as const] : []));
  const certificate = word("hostNameInCertificate");

  return {
    needsSecret: login.secret !== null,
    config: (secret, work) => ({
      server: url.hostname.replace(/^\[|\]$/g, ""),
      database,
      ...(instanceName === undefined && { port: Number(url.port || 1433) }),
      connectionTimeout: CONNECT_MS,
      requestTimeout: WORKS[work].answerMs,
      validateConnection: "socket",
      pool: {
        min: 0,
        max: WORKS[work].max,
        idleTimeoutMillis: WORKS[work].idleMs,
        acquireTimeoutMillis: CONNECT_MS + ANSWER_MS,
      },
      options: {
        appName: WORKS[work].name,
        useUTC: true,
        // What fails at first is tried again by us, who know for how long.
        maxRetriesOnTransientErrors: 0,
        cancelTimeout: CANCEL_MS,
        abortTransactionOnError: true,
        ...tls,
        ...Object.fromEntries(flags),
        ...(instanceName !== undefined && { instanceName }),
        ...(certificate !== undefined && { serverName: certificate }),
      },
      authentication: {
        type: login.type,
        options: {
          ...(user !== "" && { userName: user }),
          ...Object.fromEntries(login.words.flatMap((name) => (words.has(name) ? [[name, word(name)]] : []))),
          ...(login.secret !== null && { [login.secret]: secret ?? "" }),
        },
      },
    }),
  };
}

/** `strict` is TDS 8: TLS before anything else. */
function tlsOf(encrypt: string | undefined, ca: string | undefined): Readonly<Record<string, unknown>> {
  const isEncrypted = encrypt === "strict" ? encrypt : encrypt === undefined || isTrue("encrypt", encrypt);
  if (ca === undefined) return { encrypt: isEncrypted };
  if (isEncrypted === false) throw new Error("it names a ca but no encryption");
  return { encrypt: isEncrypted, cryptoCredentialsDetails: { ca: certificateAt(ca) } };
}

function isTrue(name: string, word: string | undefined): boolean {
  if (word === "true" || word === "") return true;
  if (word === "false") return false;
  throw new Error(`${name} is true or false, not ${word}`);
}

function certificateAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw new CastellanError("DATABASE_URL", `its ca cannot be read: ${ensureError(thrown).message}`, {
      cause: thrown,
    });
  }
}
