/**
 * How an Oracle server is reached, and what every session of ours is told first.
 *
 * O1 Every wait ends: to connect, for an answer (the driver interrupts the call, then we cut the socket off).
 * O2 The password, or the token, is read from its file for every connection: it can be changed under a running program.
 */
import { CastellanError } from "@castellan/kernel";
import { passwordNow } from "../password-file.ts";

export interface OracleAddress {
  /** Without a password. */
  readonly url: string;
  readonly passwordFile: string | null;
}

/** To connect, and to wait for a session of ours to become free, milliseconds. */
export const CONNECT_MS = 2_000;
/** After this the server is told to give a call up, milliseconds. */
export const CALL_MS = 3_000;
/** After this it does not answer at all, milliseconds. */
export const ANSWER_MS = 4_000;
/** A migration's calls: one index over many rows may take this long, milliseconds. */
export const MIGRATING_MS = 60_000;

interface OracleParts {
  /** For the driver, but for what is read from files. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** What the passwordFile holds. */
  readonly secret: "password" | "token" | "none";
  /** The owner of the tables, when that is not the user. */
  readonly schema: string | null;
}

/** The words of ours among the URL's; every other one is the driver's ("Easy Connect Plus"): wallet_location, ssl_server_dn_match, ... */
const OURS = ["auth", "protocol", "schema", "tns_admin"];
const IDENTIFIER = /^[A-Za-z][\w$#]{0,127}$/;

/**
 * `oracle://USER@HOST:PORT/SERVICE`, or `oracle://USER@ALIAS?tns_admin=DIRECTORY` for a name of its tnsnames.ora.
 * Throws `DATABASE_URL`.
 */
export function oracleParts(address: string): OracleParts {
  const url = new URL(address);
  const word = (name: string): string | null => url.searchParams.get(name);
  const [auth, schema, tnsAdmin] = [word("auth") ?? "password", word("schema"), word("tns_admin")];
  if (!["password", "token", "external"].includes(auth)) throw refused("auth is password, token or external");
  if (schema !== null && !IDENTIFIER.test(schema)) throw refused("schema is the name of a user");
  const protocol = word("protocol") ?? "tcp";
  if (!["tcp", "tcps"].includes(protocol)) throw refused("protocol is tcp or tcps");
  const service = decodeURIComponent(url.pathname.slice(1));
  if (url.hostname === "" || (tnsAdmin === null && service === ""))
    throw refused("write oracle://USER@HOST:PORT/SERVICE");
  if (auth !== "external" && url.username === "" && auth !== "token") throw refused("the user is missing before the @");
  const theirs = [...url.searchParams]
    .filter(([name]) => !OURS.includes(name))
    .map(([name, value]) => `${name}=${value}`);
  const easy = `${protocol}://${url.host}/${service}${theirs.length === 0 ? "" : `?${theirs.join("&")}`}`;
  return {
    schema: schema?.toUpperCase() ?? null,
    secret: auth === "token" ? "token" : auth === "password" ? "password" : "none",
    options: {
      connectString: tnsAdmin === null ? easy : url.hostname,
      ...(tnsAdmin !== null && { configDir: tnsAdmin }),
      ...(url.username !== "" && { user: decodeURIComponent(url.username) }),
      ...(auth !== "password" && { externalAuth: true }),
      connectTimeout: CONNECT_MS / 1_000,
      transportConnectTimeout: CONNECT_MS / 1_000,
      expireTime: 1,
      program: "castellan",
    },
  };
}

/** All that the driver wants, with the secret as it is now. Throws `StoreForbidden` when its file cannot be read. */
export async function connectOptions({ url, passwordFile }: OracleAddress): Promise<Record<string, unknown>> {
  const { options, secret } = oracleParts(url);
  if (passwordFile === null || secret === "none") return { ...options };
  const word = await passwordNow(passwordFile);
  return { ...options, ...(secret === "token" ? { accessToken: word } : { password: word }) };
}

/**
 * Strings sort by their code points, whatever the server's or the user's defaults say. Answers what no other session is
 * called, now or later: the start of its tickets.
 */
export function openingBlock(schema: string | null): string {
  const set = [
    "TIME_ZONE = '+00:00' NLS_SORT = BINARY NLS_COMP = BINARY NLS_NUMERIC_CHARACTERS = '.,'",
    schema === null ? "" : `CURRENT_SCHEMA = "${schema}"`,
  ];
  return `BEGIN
${set
  .filter((one) => one !== "")
  .map((one) => `  EXECUTE IMMEDIATE q'[ALTER SESSION SET ${one}]';\n`)
  .join(
    "",
  )}  :name := SYS_CONTEXT('USERENV', 'INSTANCE') || '.' || SYS_CONTEXT('USERENV', 'SID') || '.' || SYS_CONTEXT('USERENV', 'SESSIONID');
END;`;
}

function refused(reason: string): CastellanError {
  return new CastellanError("DATABASE_URL", `the database URL cannot be used: ${reason}`, {
    details: { scheme: "oracle" },
  });
}
