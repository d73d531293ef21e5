/**
 * For the test project whose nodes are on SQL Server's protocol: a double of its own for every test file, begun with the first node
 * that asks for a database. Emulated: see `testkit/src/tds`.
 */
import { startTdsDouble, TDS_USER, type TdsDouble } from "@castellan/testkit";
import { afterAll, inject } from "vitest";
import type { DatabaseServer } from "./database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Absent: this project's nodes are on something else. */
    isOnMssql: boolean | undefined;
  }
}

let double: Promise<TdsDouble> | undefined;

afterAll(async () => {
  await (await double)?.stop();
});

/** Null in the other projects. */
export function mssqlServer(): DatabaseServer | null {
  if (inject("isOnMssql") !== true) return null;
  return {
    async database() {
      double ??= startTdsDouble();
      const { url } = (await double).database();
      // It goes with the double, which is the file's.
      return { url, password: TDS_USER.password, drop: async () => undefined };
    },
  };
}
