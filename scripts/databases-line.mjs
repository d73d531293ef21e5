/**
 * Which databases the suite of the store ran on, and how: the last word of a test run says it, so that nobody takes an emulation
 * for the database. The suite carries a database's name in the title above its tests.
 */

/** In the order they are told. `layer`: where its tests are. @type {{ layer: string, database: string, how: string, title: RegExp, without: string }[]} */
const RUNS = [
  {
    layer: "integration",
    database: "sqlite",
    how: "real",
    title: /^SQLite$/,
    without: "its tests were not among these",
  },
  {
    layer: "integration",
    database: "postgres",
    how: "real",
    title: /^PostgreSQL$/,
    without: "install Debian's postgresql",
  },
  {
    layer: "databases",
    database: "oracle",
    how: "emulated (H2)",
    title: /^oracle \(H2/,
    without: "install Java and libh2-java",
  },
  {
    layer: "databases",
    database: "mssql",
    how: "emulated (TDS double on H2)",
    title: /^mssql \(H2/,
    without: "install Java and libh2-java",
  },
  {
    layer: "databases",
    database: "oracle",
    how: "real",
    title: /^oracle \(real\)/,
    without: "TEST_ORACLE_URL is not set",
  },
  {
    layer: "databases",
    database: "mssql",
    how: "real",
    title: /^mssql \(real\)/,
    without: "TEST_MSSQL_URL is not set",
  },
];

/**
 * The line of a layer, null when it tries none; `tests` as vitest's JSON report has them.
 * @param {string} layer @param {{ ancestorTitles?: string[], status?: string }[]} tests
 */
export function databasesLine(layer, tests) {
  const said = RUNS.filter((run) => run.layer === layer).map(({ database, how, title, without }) => {
    const own = tests.filter(({ ancestorTitles = [] }) => ancestorTitles.some((one) => title.test(one)));
    const count = (status) => own.filter((test) => test.status === status).length;
    if (count("failed") > 0) return `${database} ${how} FAILED`;
    return count("passed") > 0 ? `${database} ${how}` : `${database} ${how}: not run (${without})`;
  });
  return said.length === 0 ? null : `databases: ${said.join(", ")}`;
}
