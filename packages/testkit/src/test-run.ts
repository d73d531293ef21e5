/** What the environment asks of a test run: read here, and nowhere else. */
export interface TestRun {
  /** `CASTELLAN_LONG=1`: the long versions of the tests. */
  readonly isLong: boolean;
  /** `CASTELLAN_REMOTE_POSTGRES=1`: PostgreSQL in a network namespace of its own. */
  readonly isPostgresRemote: boolean;
  /** `CASTELLAN_TEST_KEEP`: where the homes of clusters are copied before they are removed; null: nowhere. */
  readonly keepHomesIn: string | null;
  /** `TEST_ORACLE_URL`, `TEST_MSSQL_URL` and their `_PASSWORD_FILE`: a real server of somebody's; null: there is none. */
  readonly oracle: RealDatabase | null;
  readonly mssql: RealDatabase | null;
}

export interface RealDatabase {
  readonly url: string;
  readonly passwordFile?: string;
}

export function testRun(environment: NodeJS.ProcessEnv = process.env): TestRun {
  const real = (product: string): RealDatabase | null => {
    const url = environment[`TEST_${product}_URL`];
    const passwordFile = environment[`TEST_${product}_PASSWORD_FILE`];
    if (url === undefined || url === "") return null;
    return { url, ...(passwordFile !== undefined && { passwordFile }) };
  };
  return {
    isLong: environment["CASTELLAN_LONG"] === "1",
    isPostgresRemote: environment["CASTELLAN_REMOTE_POSTGRES"] === "1",
    keepHomesIn: environment["CASTELLAN_TEST_KEEP"] ?? null,
    oracle: real("ORACLE"),
    mssql: real("MSSQL"),
  };
}
