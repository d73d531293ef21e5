/**
 * H2, a database in Java that speaks dialects of others, as a stand-in for those that cannot be installed here: it shows what a
 * dialect's SQL means (keys, guards, transactions, locks on rows), not that the real server takes it. `h2/Bridge.java` runs
 * it; what differs from the real one is translated by whoever uses it, in a list that says so.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CastellanError } from "@castellan/kernel";

export type H2Mode = "Oracle" | "MSSQLServer";

export interface H2Options {
  readonly mode: H2Mode;
  /** More of H2's settings, `NAME=VALUE` each. A lock is waited for 1 s unless `LOCK_TIMEOUT` says otherwise. */
  readonly settings?: readonly string[];
}

/** One Java process with any number of databases, all in its memory. */
export interface H2 {
  /** A session of its own on `database` (default `main`), which is there once the first one opens it. */
  session(database?: string): Promise<H2Session>;
  /** Ends it, and with it every session and database. Twice is fine. */
  stop(): Promise<void>;
}

export interface H2Session {
  /** One statement with `?` for parameters. Each is a transaction of its own unless `begin` was asked. Throws `H2Error`. */
  run(sql: string, params?: readonly H2Value[]): Promise<H2Result>;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Rolls back what is open. */
  close(): Promise<void>;
}

export type H2Value = string | number | boolean | null;

export interface H2Result {
  /** None for what is no query. `type` is H2's name: `CHARACTER VARYING`, `BIGINT`, `NUMERIC`, `TIMESTAMP WITH TIME ZONE`. */
  readonly columns: readonly H2Column[];
  /** Numbers beyond 2^53 are text; times are ISO text, with a `Z` when the column has a zone; bytes are hexadecimal. */
  readonly rows: readonly (readonly H2Value[])[];
  /** Rows inserted, updated or deleted; null for a query. */
  readonly touched: number | null;
}

export interface H2Column {
  readonly name: string;
  readonly type: string;
  readonly precision: number;
  readonly scale: number;
  readonly nullable: boolean;
}

/** What H2 refused: 23505 duplicate key, 23506 no parent, 23503 has children, 50200 lock timeout, 40001 deadlock, 42102 no table. */
export class H2Error extends Error {
  readonly code: number;
  readonly state: string;

  constructor({ code, state, message }: { readonly code: number; readonly state: string; readonly message: string }) {
    super(message);
    this.name = "H2Error";
    this.code = code;
    this.state = state;
  }
}

interface Answer extends H2Result {
  readonly id: number;
  readonly error?: { readonly code: number; readonly state: string; readonly message: string };
}

const GOODBYE_MS = 5_000;
const JARS = ["/usr/share/java/h2.jar"];
const BRIDGE = fileURLToPath(new URL("../src/h2/Bridge.java", import.meta.url));

/** Throws `H2_MISSING` when Java or H2 is not installed: a test that needs it fails then. */
export async function startH2({ mode, settings = [] }: H2Options): Promise<H2> {
  const jar = [process.env["CASTELLAN_H2_JAR"] ?? "", ...JARS].find((path) => existsSync(path));
  if (jar === undefined) {
    throw new CastellanError(
      "H2_MISSING",
      "no h2.jar: install Debian's libh2-java and default-jdk-headless, or set CASTELLAN_H2_JAR",
    );
  }
  const flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Duser.timezone=UTC"];
  const child = spawn("java", [...flags, "-cp", jar, BRIDGE], { stdio: "pipe" });
  const ask = conversation(child);
  const options = [`MODE=${mode}`, "DB_CLOSE_DELAY=-1", ...settings];
  if (!settings.some((one) => one.startsWith("LOCK_TIMEOUT="))) options.push("LOCK_TIMEOUT=1000");
  let sessions = 0;
  return {
    async session(database = "main") {
      sessions += 1;
      const session = `s${sessions}`;
      await ask({ session, op: "open", url: ["jdbc:h2:mem:", database, ...options.map((one) => `;${one}`)].join("") });
      const simply = async (op: string): Promise<void> => {
        await ask({ session, op });
      };
      return {
        run: (sql, params = []) => ask({ session, op: "run", sql, params }),
        begin: () => simply("begin"),
        commit: () => simply("commit"),
        rollback: () => simply("rollback"),
        close: () => simply("close"),
      };
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      const impatience = setTimeout(() => child.kill("SIGKILL"), GOODBYE_MS);
      await gone;
      clearTimeout(impatience);
    },
  };
}

/** Sends requests and hands each answer to whoever asked; when the program ends, so does all that is open. */
function conversation(child: ChildProcessWithoutNullStreams): (request: object) => Promise<H2Result> {
  const open = new Map<number, { resolve: (result: H2Result) => void; reject: (reason: Error) => void }>();
  let asked = 0;
  let words = "";
  let ended: Error | undefined;
  const end = (reason: string): void => {
    ended ??= new CastellanError("H2_MISSING", `H2 is not running: ${reason} ${words}`.trim());
    for (const { reject } of open.values()) reject(ended);
    open.clear();
  };
  child.once("error", (thrown) =>
    end(`java cannot be started (install Debian's default-jdk-headless): ${thrown.message}`),
  );
  child.once("close", (code) => end(`java ended with ${code}`));
  child.stdin.on("error", (thrown) => end(thrown.message));
  child.stderr.on("data", (chunk: Buffer) => {
    words = `${words}${chunk.toString("utf8")}`.slice(-2000);
  });
  createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
    const said: unknown = JSON.parse(line);
    if (!isAnswer(said)) throw new TypeError(`the bridge to H2 said ${line}`);
    const { id, error, columns = [], rows = [], touched = null } = said;
    const { resolve, reject } = open.get(id) ?? {};
    open.delete(id);
    if (error !== undefined) reject?.(new H2Error(error));
    else resolve?.({ columns, rows, touched });
  });
  return (request) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) {
        reject(ended);
        return;
      }
      asked += 1;
      open.set(asked, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ id: asked, ...request })}\n`);
    });
}

/** Our own program's words: whoever changes one changes the other. */
function isAnswer(said: unknown): said is Partial<Answer> & { readonly id: number } {
  return typeof said === "object" && said !== null && "id" in said && typeof said.id === "number";
}
