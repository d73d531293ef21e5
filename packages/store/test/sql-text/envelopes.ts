/** What a dialect's connection sends around reads and commits, besides what is rendered from the design. */
import type { Dialect } from "../../src/typeorm/dialects/dialect.ts";
import { COMMIT_BATCH, SESSION_LIMITS } from "../../src/typeorm/dialects/mssql-commit.ts";
import { SETTLE } from "../../src/typeorm/mssql/lost-commits.ts";
import { COMMIT_BLOCK, FORGET_TICKETS, voidTicket } from "../../src/typeorm/oracle/commit-block.ts";
import { MAKE_LOCK, TAKE_LOCK } from "../../src/typeorm/oracle/migration.ts";
import { openingBlock } from "../../src/typeorm/oracle/settings.ts";

export const ENVELOPES: Readonly<Record<Dialect["name"], readonly string[]>> = {
  sqlite: [],
  postgres: ["SELECT castellan_commit($1::jsonb) AS counts"],
  mssql: [SESSION_LIMITS, COMMIT_BATCH, SETTLE],
  oracle: [
    openingBlock(null),
    openingBlock("OWNER"),
    MAKE_LOCK,
    TAKE_LOCK,
    COMMIT_BLOCK,
    voidTicket("t").sql,
    FORGET_TICKETS.sql,
  ],
};
