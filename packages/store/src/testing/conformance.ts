/**
 * What every gateway must do, as one suite: run it over each database and over the twin in memory. A difference between
 * two databases is a test here before it is a line in `dialects/`.
 */
import { afterEach, beforeEach, describe } from "vitest";
import type { Gateway } from "../gateway.ts";
import { describeCommits } from "./commits.ts";
import { describeCompany } from "./company.ts";
import { describeKeys } from "./keys.ts";
import { describeReads } from "./reads.ts";
import { describeRefusals } from "./refusals.ts";
import { describeRetention } from "./retention.ts";
import { describeRows } from "./rows-kept.ts";

/** A database of its own, empty but for the schema. */
export interface TestDatabase {
  /** One more gateway on it, as one more server would open it. */
  open(): Promise<Gateway>;
  /** Closes what was opened and leaves nothing behind. */
  remove(): Promise<void>;
}

/** Registers the suite; `make` is called once per test. */
export function describeGateway(name: string, make: () => Promise<TestDatabase>): void {
  describe(name, () => {
    let database: TestDatabase;
    let gateway: Gateway;

    beforeEach(async () => {
      database = await make();
      gateway = await database.open();
    });
    afterEach(async () => {
      await database.remove();
    });

    describeRows(() => gateway);
    describeCommits(() => gateway);
    describeKeys(() => gateway);
    describeCompany(
      () => gateway,
      () => database.open(),
    );
    describeReads(() => gateway);
    describeRefusals(() => gateway);
    describeRetention(() => gateway);
  });
}
