/**
 * A commit on SQL Server: one constant text with the whole batch in one parameter. The server begins and ends the
 * transaction within one request, so a frozen program holds no lock; and each statement has one text however many rows a
 * commit writes, so that its plan is found again and no request comes near the 2,100 parameters there may be.
 *
 * C1 XACT_ABORT: a request that the client calls off, or whose connection breaks, is rolled back by the server.
 * C2 The transaction begins with a lock by the commit's own name: whoever lost sight of it takes that lock and knows
 *    that it has ended, or will not begin (`mssql-lost-commits.ts`).
 * C3 What was refused comes as a row, not as an error: number, words, and the position of the statement.
 */

/** A guard missed. */
export const GUARD_MISSED = 50_001;
/** The commit's own name is taken: it was given up. Nobody waits for its answer then. */
const GIVEN_UP = 50_002;

const LOCK_MS = 1_000;

/** Before every statement of ours: a lock is waited for no longer than this. */
export const SESSION_LIMITS = `SET LOCK_TIMEOUT ${LOCK_MS};`;

/** `@batch`: JSON list of `{ sql, params, expect }`; `@ticket`: the commit's own name. Answers one row: `CommitAnswer`. */
export const COMMIT_BATCH = `SET NOCOUNT ON;
SET XACT_ABORT ON;
${SESSION_LIMITS}
DECLARE @at int = 0, @sql nvarchar(max), @params nvarchar(max), @expect bigint, @touched bigint, @granted int,
  @counts nvarchar(max) = N'';
DECLARE steps CURSOR LOCAL STATIC READ_ONLY FORWARD_ONLY FOR
  SELECT step.[sql], step.params, step.expect
  FROM OPENJSON(@batch) AS element
  CROSS APPLY OPENJSON(element.[value]) WITH ([sql] nvarchar(max) '$.sql', params nvarchar(max) '$.params' AS JSON, expect bigint '$.expect') AS step
  ORDER BY CAST(element.[key] AS int);
OPEN steps;
BEGIN TRY
  BEGIN TRANSACTION;
  EXEC @granted = sp_getapplock @Resource = @ticket, @LockMode = N'Exclusive', @LockOwner = N'Transaction', @LockTimeout = 0;
  IF @granted < 0 THROW ${GIVEN_UP}, N'the commit was given up', 1;
  FETCH NEXT FROM steps INTO @sql, @params, @expect;
  WHILE @@FETCH_STATUS = 0
  BEGIN
    EXEC sp_executesql @sql, N'@p nvarchar(max)', @p = @params;
    SET @touched = @@ROWCOUNT;
    IF @touched <> @expect THROW ${GUARD_MISSED}, N'a guard missed', 1;
    SET @counts = CONCAT(@counts, N' ', @touched);
    SET @at = @at + 1;
    FETCH NEXT FROM steps INTO @sql, @params, @expect;
  END;
  COMMIT TRANSACTION;
  SELECT @counts AS counts, NULL AS refused, NULL AS words, @at AS reached;
END TRY
BEGIN CATCH
  IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;
  SELECT NULL AS counts, ERROR_NUMBER() AS refused, ERROR_MESSAGE() AS words, @at AS reached;
END CATCH;`;

/** What became of a commit. */
export type CommitAnswer =
  | { readonly counts: readonly number[] }
  | { readonly refused: SqlServerRefusal; readonly reached: number };

/** As the driver's own errors have it. */
export class SqlServerRefusal extends Error {
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.name = "SqlServerRefusal";
    this.number = number;
  }
}

/** Throws `TypeError` for a row that is none. */
export function parseCommitAnswer(row: Readonly<Record<string, unknown>> | undefined): CommitAnswer {
  const { counts, refused, words, reached } = row ?? {};
  if (typeof counts === "string") {
    return { counts: counts.split(" ").slice(1).map(Number) };
  }
  if (typeof refused !== "number") throw new TypeError("the server answered a commit with something else");
  return { refused: new SqlServerRefusal(refused, String(words)), reached: Number(reached) };
}
