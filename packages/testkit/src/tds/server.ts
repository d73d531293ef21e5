/**
 * SQL Server's wire protocol (TDS 7.4) in front of H2: enough for the unmodified driver to log in, migrate, read and commit. It shows
 * what the driver really sends and that our T-SQL means what we think where H2 knows the same words. It is no SQL Server: see
 * `translate.ts` for what it takes and does not do. No TLS: `?encrypt=false`.
 */
import { createServer, type Socket } from "node:net";
import { type H2, type H2Result, startH2 } from "../h2.ts";
import { type AppLocks, createAppLocks } from "./app-locks.ts";
import { ByteWriter } from "./bytes.ts";
import { loginFailed, noDatabase, type SqlServerError } from "./errors.ts";
import { type Login, parseLogin, preloginAnswer } from "./handshake.ts";
import { MESSAGE, type Message, readMessages, writeMessage } from "./packets.ts";
import { parseRequest } from "./requests.ts";
import { TdsSession } from "./session.ts";
import { answerDone, attentionDone, loginDone, writeError } from "./tokens.ts";

export interface TdsDouble {
  readonly port: number;
  /** `mssql://castellan@127.0.0.1:PORT/NAME?encrypt=false` of a new, empty database. */
  database(): { readonly name: string; readonly url: string };
  /** Statements of H2's own, each in its own transaction, on the database of this URL. */
  sql(url: string, statements: readonly string[]): Promise<H2Result[]>;
  /** The same in one transaction, which stays open until what this gives is called: then it is rolled back. */
  hold(url: string, statements: readonly string[]): Promise<() => Promise<void>>;
  /** Every text that clients have sent, each once. */
  readonly texts: ReadonlySet<string>;
  /** How many texts that were. */
  readonly requests: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Breaks all connections, as a server that is killed does. */
  disconnect(): void;
  /** From now on messages are taken, and answered when it thaws. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Who may log in. */
export const TDS_USER = { name: "castellan", password: "Tds-double-1" } as const;

/** Is there from the beginning, and holds nothing. */
const FIRST = "master";

/** Throws `H2_MISSING` when Java or H2 is not there. */
export async function startTdsDouble(): Promise<TdsDouble> {
  const h2 = await startH2({
    mode: "MSSQLServer",
    settings: ["DATABASE_TO_UPPER=FALSE", "CASE_INSENSITIVE_IDENTIFIERS=TRUE"],
  });
  // What Java loads at its first session, no client has to wait for.
  await (await h2.session(FIRST)).run("SELECT 1");
  const databases = new Map<string, AppLocks>([[FIRST, createAppLocks()]]);
  const texts = new Set<string>();
  let requests = 0;
  let frozen: Promise<void> | undefined;
  let goOn: (() => void) | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    // A client that goes away does so as it likes; what it left open is rolled back below.
    socket.on("error", () => undefined);
    serve(socket, {
      h2,
      databases,
      onText: (text) => {
        requests += 1;
        texts.add(text);
      },
      ready: () => frozen,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const thaw = (): void => {
    goOn?.();
    frozen = undefined;
  };
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    texts,
    get connections() {
      return sockets.size;
    },
    database() {
      const name = `node${databases.size}`;
      databases.set(name, createAppLocks());
      return { name, url: `mssql://${TDS_USER.name}@127.0.0.1:${port}/${name}?encrypt=false` };
    },
    async sql(url, statements) {
      const session = await h2.session(new URL(url).pathname.slice(1));
      try {
        const results: H2Result[] = [];
        for (const statement of statements) results.push(await session.run(statement));
        return results;
      } finally {
        await session.close();
      }
    },
    async hold(url, statements) {
      const session = await h2.session(new URL(url).pathname.slice(1));
      await session.begin();
      for (const statement of statements) await session.run(statement);
      return () => session.close();
    },
    get requests() {
      return requests;
    },
    disconnect,
    freeze() {
      frozen ??= new Promise((resolve) => {
        goOn = resolve;
      });
    },
    thaw,
    async stop() {
      thaw();
      disconnect();
      await new Promise((resolve) => server.close(resolve));
      await h2.stop();
    },
  };
}

interface Place {
  readonly h2: H2;
  readonly databases: ReadonlyMap<string, AppLocks>;
  readonly onText: (text: string) => void;
  /** Resolves once the server goes on; undefined while it does. */
  readonly ready: () => Promise<void> | undefined;
}

/** Messages are answered in order; only a word that calls one off comes in between. */
function serve(socket: Socket, place: Place): void {
  let session: TdsSession | undefined;
  let line: Promise<void> = Promise.resolve();
  const answer = async (message: Message): Promise<void> => {
    await place.ready();
    switch (message.type) {
      case MESSAGE.prelogin:
        return writeMessage(socket, preloginAnswer());
      case MESSAGE.login: {
        const login = parseLogin(message.bytes);
        const locks = place.databases.get(login.database);
        const refusal = refusalOf(login, locks);
        if (refusal !== undefined || locks === undefined) return refuse(socket, refusal ?? noDatabase(login.database));
        session = new TdsSession({ h2: await place.h2.session(login.database), locks, onText: place.onText });
        return writeMessage(socket, loginDone(login.database));
      }
      case MESSAGE.attention:
        if (session !== undefined) session.isCalledOff = false;
        return writeMessage(socket, attentionDone());
      default: {
        if (session === undefined) throw new Error("a request before the login");
        const reply = await session.answer(parseRequest(message));
        if (reply !== null) writeMessage(socket, reply);
      }
    }
  };
  readMessages(socket, (message) => {
    if (message.type === MESSAGE.attention && session !== undefined) session.isCalledOff = true;
    line = line
      .then(() => answer(message))
      .catch((thrown: unknown) => {
        // A defect of the double: the test that meets it must see it.
        process.stderr.write(
          `TDS double: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`,
        );
        socket.destroy();
      });
  });
  socket.once("close", () => {
    line = line.then(() => session?.close()).catch(() => undefined); // H2 may be gone by now
  });
}

function refusalOf({ user, password, database }: Login, locks: AppLocks | undefined): SqlServerError | undefined {
  if (user !== TDS_USER.name || password !== TDS_USER.password) return loginFailed(user);
  return locks === undefined ? noDatabase(database) : undefined;
}

function refuse(socket: Socket, error: SqlServerError): void {
  const writer = new ByteWriter();
  writeError(writer, error);
  answerDone(writer, false, true);
  writeMessage(socket, writer.done());
  socket.end();
}
