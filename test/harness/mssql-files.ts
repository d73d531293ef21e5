/** Which test files run on the stand-in for SQL Server, and why the others cannot. */

import type { TestProject } from "vitest/node";

/** Every run: a node, and a cluster whose master is killed. */
const SAMPLE = ["test/acceptance/work-items.test.ts", "test/cluster/master-killed.test.ts"];

/** What a file needs that the stand-in has not. */
const NOT_THERE: Readonly<Record<string, string>> = {
  "test/{acceptance,chaos}/postgres-*": "PostgreSQL's own words, or one that is killed",
  "test/acceptance/mssql-node": "a stand-in of its own, whose connections it breaks: it is in the layer life",
  "test/acceptance/schema-*": "a PostgreSQL to move to and from",
  "test/cluster/{host-cut-off,install-hosts,remote-database}": "a PostgreSQL in a network namespace of its own",
  "test/cluster/{master-frozen,outages}": "a PostgreSQL that stands still, or is killed",
  "test/{acceptance/upgrade-single,cluster/upgrade}": "release 0.1.0, which brings a schema of SQLite",
};

/** A sample, or all that can run on it. */
export function filesOnMssql(isLong: boolean): { readonly include: string[]; readonly exclude?: string[] } {
  if (!isLong) return { include: SAMPLE };
  return {
    include: ["test/{acceptance,chaos,cluster}/**/*.test.ts"],
    exclude: Object.keys(NOT_THERE).map((files) => `${files}.test.ts`),
  };
}

/** The run begins with what is left out, and why. */
export function setup({ config }: TestProject): void {
  if (config.include.join() === SAMPLE.join()) return;
  for (const [files, reason] of Object.entries(NOT_THERE))
    process.stdout.write(`not on the stand-in for SQL Server: ${files} (${reason})\n`);
}
