/**
 * Stands in for the package `oracledb`, with H2 behind it: what lies above the driver's door is tested with it, nothing below.
 *
 * H2 has no PL/SQL: the one block that commits is carried out by `commit-block.ts`.
 */
import { type H2, H2Error, type H2Result, type H2Session, type H2Value } from "../h2.ts";
import { type CommitMoment, carryOut, type Values } from "./commit-block.ts";
import { oracleError } from "./error.ts";
import { createTableLocks } from "./table-locks.ts";
import { codeOf, translate } from "./translate.ts";

export interface OracleDouble {
  /** For whatever takes the package `oracledb`. */
  readonly driver: DoubleDriver;
  /** Replace it to interfere; does nothing at first. */
  onCommit: (moment: CommitMoment) => Promise<void>;
  /** Sessions that are open now. */
  readonly sessions: () => number;
}

export interface DoubleDriver {
  getConnection(options: Readonly<Record<string, unknown>>): Promise<DoubleSession>;
  readonly BIND_OUT: unknown;
  readonly STRING: unknown;
  readonly NUMBER: unknown;
  readonly CLOB: unknown;
}

export interface DoubleSession {
  callTimeout: number;
  execute(sql: string, binds: Binds, options: { readonly autoCommit?: boolean }): Promise<Executed>;
  isHealthy(): boolean;
  close(): Promise<void>;
  /** Where the real driver has its socket. */
  readonly _impl: { readonly nscon: { disconnect(): void } };
}

type Binds = readonly unknown[] | Readonly<Record<string, unknown>>;

interface Executed {
  readonly metaData?: readonly { readonly name: string }[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly outBinds?: Readonly<Record<string, unknown>>;
  readonly rowsAffected?: number;
}

/** One Oracle server with the tables of `database`. */
export function oracleDouble(h2: H2, database: string): OracleDouble {
  const locks = createTableLocks();
  let opened = 0;
  let open = 0;
  const double: OracleDouble = {
    sessions: () => open,
    onCommit: async () => undefined,
    driver: {
      BIND_OUT: "out",
      STRING: "string",
      NUMBER: "number",
      CLOB: "clob",
      async getConnection() {
        const session = await h2.session(database);
        opened += 1;
        open += 1;
        return createSession(session, `1.${opened}.${opened}`, () => {
          open -= 1;
        });
      },
    },
  };

  function createSession(h2Session: H2Session, name: string, onGone: () => void): DoubleSession {
    let inTransaction = false;
    let gone = false;
    const socket = new AbortController();
    const wasCut = new Promise<never>((_, reject) => {
      const lost = (): void => reject(oracleError("NJS-500", "connection to the Oracle Database was broken"));
      socket.signal.addEventListener("abort", lost, { once: true });
    });
    wasCut.catch(() => undefined); // heard by whoever waits for an answer
    let last: Promise<unknown> = Promise.resolve();

    const end = async (): Promise<void> => {
      if (gone) return;
      gone = true;
      onGone();
      // As on the server: what was under way goes on to its end.
      await last.catch(() => undefined);
      locks.release(name);
      await h2Session.close();
    };

    const run = async (sql: string, values: Values): Promise<H2Result> => {
      const { statements, places } = translate(sql);
      let result: H2Result = { columns: [], rows: [], touched: 0 };
      for (const statement of statements) {
        result = await h2Session.run(
          statement,
          places.map((place, at) => plainValue(values(place, at))),
        );
      }
      return result;
    };

    const finish = async (how: "commit" | "rollback"): Promise<Executed> => {
      if (inTransaction) await h2Session[how]();
      inTransaction = false;
      locks.release(name);
      return {};
    };

    const begin = async (): Promise<void> => {
      if (!inTransaction) await h2Session.begin();
      inTransaction = true;
    };

    const execute = async (sql: string, binds: Binds, autoCommit: boolean): Promise<Executed> => {
      const values = (place: string, at: number): unknown => (isList(binds) ? binds[at] : binds[place]);
      if (/SYS_CONTEXT\('USERENV', 'SESSIONID'\)/.test(sql)) return { outBinds: { name } };
      if (/^DECLARE\b/.test(sql)) {
        return {
          outBinds: await carryOut(sql, values, {
            session: h2Session,
            run,
            onCommit: (moment) => double.onCommit(moment),
          }),
        };
      }
      if (/^(COMMIT|ROLLBACK)$/.test(sql)) return await finish(sql === "COMMIT" ? "commit" : "rollback");
      if (sql === "SET TRANSACTION READ ONLY") {
        await h2Session.run("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SNAPSHOT");
        await begin();
        return {};
      }
      const table = /^LOCK TABLE (\S+)/.exec(sql)?.[1];
      if (table !== undefined) {
        await locks.take(table, name);
        return {};
      }
      const isQuery = /^\s*SELECT\b/i.test(sql);
      const isDdl = /^\s*(CREATE|ALTER|DROP)\b/i.test(sql);
      if (isDdl) await finish("commit");
      else if (!isQuery && !autoCommit) await begin();
      const { columns, rows, touched } = await run(sql, values);
      if (!isQuery) return { rowsAffected: touched ?? 0 };
      return {
        metaData: columns.map((column) => ({ name: column.name })),
        rows: rows.map((row) => row.map((cell, at) => fetched(cell, columns[at]?.type))),
      };
    };

    return {
      callTimeout: 0,
      isHealthy: () => !gone,
      close: end,
      async execute(sql, binds, { autoCommit = false }) {
        if (gone) throw oracleError("NJS-003", "invalid or closed connection");
        const answer = last.then(() => execute(sql, binds, autoCommit));
        last = answer.catch(() => undefined);
        try {
          return await Promise.race([answer, wasCut]);
        } catch (thrown) {
          throw thrown instanceof H2Error ? oracleError(codeOf(thrown.code), thrown.message) : thrown;
        }
      },
      _impl: {
        nscon: {
          disconnect() {
            socket.abort();
            void end();
          },
        },
      },
    };
  }

  return double;
}

const isList = (binds: Binds): binds is readonly unknown[] => Array.isArray(binds);

function plainValue(value: unknown): H2Value {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw oracleError("NJS-011", `a bind of type ${typeof value}`);
}

/** As the driver gives it: times are dates. */
function fetched(cell: H2Value, type: string | undefined): unknown {
  return typeof cell === "string" && type === "TIMESTAMP WITH TIME ZONE" ? new Date(cell) : cell;
}
