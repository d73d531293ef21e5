/**
 * A commit on Oracle: one anonymous PL/SQL block, always the same text, so that the server parses it once; the statements
 * travel in it as JSON. One round trip, so a frozen program holds no lock: the transaction begins and ends on the server.
 *
 * Not a stored procedure: a user who may only read and write rows can run it, and two releases of this program can have
 * different ones. It needs the right to execute `DBMS_SQL`, which every user has unless somebody took it away.
 *
 * B1 The block first takes its ticket, a row that nobody else sees and that is gone again when it commits. Whoever does not
 *    know what became of a commit takes the ticket in its place (`VOID_TICKET`): that waits for a block under way, and
 *    refuses one that comes later. What is read after that is final.
 * B2 Whatever goes wrong rolls everything back before it is told. A missed guard and a refused row are told as
 *    results, with the place of the statement; every other error is thrown on.
 */
import type { BatchStatement, Statement } from "../statements.ts";

export const TICKET_TABLE = "COMMIT_TICKET";

export const CREATE_TICKETS = `CREATE TABLE "${TICKET_TABLE}" (
  "TICKET" VARCHAR2(64 CHAR) NOT NULL,
  "TAKEN_AT" TIMESTAMP(3) NOT NULL,
  CONSTRAINT "PK_${TICKET_TABLE}" PRIMARY KEY ("TICKET"))`;

const TAKE = (place: string): string =>
  `INSERT INTO "${TICKET_TABLE}" ("TICKET", "TAKEN_AT") VALUES (${place}, SYS_EXTRACT_UTC(SYSTIMESTAMP))`;

/** Ends what became of a commit: it has happened, or never will. ORA-00001: this was done before. */
export const voidTicket = (ticket: string): Statement => ({ sql: TAKE(":b0"), params: [ticket] });

/** Tickets that were taken for lost commits go when no server can still be carrying those out. */
export const FORGET_TICKETS: Statement = {
  sql: `DELETE FROM "${TICKET_TABLE}" WHERE "TAKEN_AT" < SYS_EXTRACT_UTC(SYSTIMESTAMP) - INTERVAL '7' DAY`,
  params: [],
};

/** In: `batch`, `ticket`. Out: `counts` (`1,0,2`), or `failed`, the place of a statement, with `code` and `reason`; code 0 is a guard. */
export const COMMIT_BLOCK = `DECLARE
  steps JSON_ARRAY_T := JSON_ARRAY_T.parse(:batch);
  step JSON_OBJECT_T;
  params JSON_ARRAY_T;
  param JSON_ELEMENT_T;
  wrapped JSON_OBJECT_T;
  nothing VARCHAR2(1 CHAR);
  place VARCHAR2(12 CHAR);
  handle INTEGER;
  reached PLS_INTEGER := -1;
  touched NUMBER;
  counts VARCHAR2(32767);
  problem PLS_INTEGER;
  words VARCHAR2(500 CHAR);
BEGIN
  ${TAKE(":ticket")};
  reached := 0;
  WHILE reached < steps.get_size LOOP
    step := TREAT(steps.get(reached) AS JSON_OBJECT_T);
    params := step.get_Array('params');
    handle := DBMS_SQL.OPEN_CURSOR;
    DBMS_SQL.PARSE(handle, step.get_String('sql'), DBMS_SQL.NATIVE);
    FOR position IN 0 .. params.get_size - 1 LOOP
      param := params.get(position);
      place := ':b' || TO_CHAR(position);
      IF param.is_Null THEN
        DBMS_SQL.BIND_VARIABLE(handle, place, nothing);
      ELSIF param.is_Number THEN
        DBMS_SQL.BIND_VARIABLE(handle, place, params.get_Number(position));
      ELSIF param.is_String THEN
        DBMS_SQL.BIND_VARIABLE(handle, place, params.get_String(position));
      ELSE
        wrapped := TREAT(param AS JSON_OBJECT_T);
        DBMS_SQL.BIND_VARIABLE(handle, place, wrapped.get_Clob('long'));
      END IF;
    END LOOP;
    BEGIN
      touched := DBMS_SQL.EXECUTE(handle);
    EXCEPTION
      WHEN DUP_VAL_ON_INDEX THEN
        IF NOT step.get_Boolean('mayExist') THEN
          RAISE;
        END IF;
        touched := 0;
    END;
    DBMS_SQL.CLOSE_CURSOR(handle);
    IF touched <> step.get_Number('expect') THEN
      ROLLBACK;
      :failed := reached;
      :code := 0;
      RETURN;
    END IF;
    counts := counts || CASE WHEN reached > 0 THEN ',' END || TO_CHAR(touched);
    reached := reached + 1;
  END LOOP;
  DELETE FROM "${TICKET_TABLE}" WHERE "TICKET" = :ticket;
  COMMIT WRITE WAIT;
  :counts := counts;
EXCEPTION
  WHEN OTHERS THEN
    problem := SQLCODE;
    words := SUBSTR(SQLERRM, 1, 500);
    IF handle IS NOT NULL AND DBMS_SQL.IS_OPEN(handle) THEN
      DBMS_SQL.CLOSE_CURSOR(handle);
    END IF;
    ROLLBACK;
    IF problem NOT IN (-1, -2291, -2292) THEN
      RAISE;
    END IF;
    :failed := reached;
    :code := problem;
    :reason := words;
END;`;

/** Longer strings are only in columns that hold unbounded text, and do not fit a plain bind (4,000 bytes). */
const LONG_UNITS = 1_300;

/** The statements as the block reads them. A step without `expect` compares with NULL, which is never unequal. */
export function batchText(statements: readonly BatchStatement[]): string {
  return JSON.stringify(
    statements.map(({ sql, params, expect, mayExist }) => ({
      sql,
      params: params.map((param) => (typeof param === "string" && param.length > LONG_UNITS ? { long: param } : param)),
      expect,
      mayExist,
    })),
  );
}

export interface CommitOutcome {
  /** How many rows each statement touched; null when the commit was rolled back. */
  readonly counts: readonly number[] | null;
  readonly failed: number;
  readonly code: number;
  readonly reason: string;
}

export function readOutcome(outBinds: Readonly<Record<string, unknown>>): CommitOutcome {
  const { counts, failed, code, reason } = outBinds;
  return {
    counts: typeof counts === "string" ? counts.split(",").map(Number) : null,
    failed: Number(failed ?? 0),
    code: Number(code ?? 0),
    reason: typeof reason === "string" ? reason : "",
  };
}
