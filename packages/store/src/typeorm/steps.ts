/**
 * What migrates, as SQL text, made without a database: a program runs these texts, and `castellan schema print` shows them.
 * So what a DBA has read is what is done.
 */
import { DataSource } from "typeorm";
import type { Dialect } from "./dialects/dialect.ts";
import { migrations } from "./migrations/index.ts";
import type { Migration, SchemaDraft } from "./migrations/migration.ts";
import { buildTable, ownIndexes } from "./migrations/table-builder.ts";
import { versionTable } from "./version.ts";

/** One migration. After its statements its row of `schema_version` is written: `recordOf`. */
export interface Step extends Pick<Migration, "version" | "name" | "usableFrom"> {
  readonly statements: readonly string[];
}

/** From a schema of version `found` (0 = none) to the newest. */
export async function stepsFrom(dialect: Dialect, found: number): Promise<Step[]> {
  const steps: Step[] = [];
  for (const migration of migrations.filter(({ version }) => version > found)) {
    const { version, name, usableFrom } = migration;
    const statements = await drafted(dialect, async (draft) => {
      if (version === 1) await draft.createTable(versionTable);
      await migration.up(draft, dialect);
    });
    steps.push({ version, name, usableFrom, statements });
  }
  return steps;
}

/** TypeORM writes the DDL of this dialect; it connects to nothing, for its runner only remembers what it would do. */
async function drafted(dialect: Dialect, draw: (draft: SchemaDraft) => Promise<void>): Promise<string[]> {
  const runner = new DataSource(dialect.offline).createQueryRunner();
  const statements: string[] = [];
  await draw({
    async createTable(table) {
      runner.enableSqlMemory();
      await runner.createTable(buildTable(dialect, table));
      statements.push(...runner.getMemorySql().upQueries.map(({ query }) => query));
      runner.clearSqlMemory();
      statements.push(...ownIndexes(dialect, table));
    },
    run: (statement) => statements.push(statement),
  });
  return statements;
}

/** The row that says a step was done. `appliedAt`: the time in SQL text. */
export function recordOf(dialect: Dialect, { version, name, usableFrom }: Step, appliedAt: string): string {
  const row: Readonly<Record<string, string>> = {
    version: String(version),
    name: `'${name}'`,
    applied_at: appliedAt,
    usable_from: String(usableFrom),
  };
  const names = Object.keys(row).map((column) => dialect.quote(column));
  return `INSERT INTO ${dialect.quote(versionTable.name)} (${names.join(", ")}) VALUES (${Object.values(row).join(", ")})`;
}
