/** One step of the schema's history. What has landed in a release is never changed; a new step is added. */
import type { QueryRunner } from "typeorm";
import type { Dialect } from "../dialects/dialect.ts";

export interface Migration {
  /** 1, 2, 3, ...: the version of the schema afterwards. */
  readonly version: number;
  readonly name: string;
  /** Runs inside the migration's transaction; where a database commits each DDL statement, it can be run again. */
  up(runner: QueryRunner, dialect: Dialect): Promise<void>;
}
