/** Every dialect there is. Loads no driver. */
import type { Dialect } from "./dialect.ts";
import { mssql } from "./mssql.ts";
import { oracle } from "./oracle.ts";
import { postgres } from "./postgres.ts";
import { sqlite } from "./sqlite.ts";

export const dialects: readonly Dialect[] = [sqlite, postgres, mssql, oracle];
