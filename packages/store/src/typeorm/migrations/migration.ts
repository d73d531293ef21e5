/** One step of the schema's history. What has landed in a release is never changed; a new step is added. */
import type { Shape } from "../../schema/columns.ts";
import type { Dialect } from "../dialects/dialect.ts";

/** Where a step writes down what it does. Nothing can be asked of the database: a step is the same text wherever it runs. */
export interface SchemaDraft {
  /** With its keys and indexes. */
  createTable(table: Shape): Promise<void>;
  run(statement: string): void;
}

export interface Migration {
  /** 1, 2, 3, ...: the version of the schema afterwards. */
  readonly version: number;
  readonly name: string;
  /**
   * The oldest `SCHEMA_VERSION` of a program that can go on with the schema afterwards. A step that only adds keeps that of
   * the step before, and servers are upgraded one after another.
   */
  readonly usableFrom: number;
  /** Runs inside the migration's transaction; where a database commits each DDL statement, it can be run again. */
  up(draft: SchemaDraft, dialect: Dialect): Promise<void>;
}
