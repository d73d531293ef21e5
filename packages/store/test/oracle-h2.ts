/** Databases of an Oracle that is not one: our dialect, sessions and blocks, with H2 below the driver's door. */
import { type Clock, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, tables } from "@castellan/store";
import type { TestDatabase } from "@castellan/store/testing";
import { type H2, type OracleDouble, oracleDouble } from "@castellan/testkit";
import { oracle } from "../src/typeorm/dialects/oracle.ts";
import type { MigrationSession } from "../src/typeorm/migration-session.ts";
import { type OpenSchemaOptions, openSchema } from "../src/typeorm/open-schema.ts";
import { openOracle } from "../src/typeorm/oracle/connection.ts";
import type { OracleDriver } from "../src/typeorm/oracle/driver.ts";
import { openOracleMigration } from "../src/typeorm/oracle/migration.ts";

export const LABEL = "oracle (H2, emulated)";

export interface TestOracle extends TestDatabase {
  readonly double: OracleDouble;
  open(over?: Partial<OpenSchemaOptions>): Promise<Gateway>;
  /** How another driver would migrate it. */
  migration(driver: OracleDriver): () => Promise<MigrationSession>;
  /** Closes what was opened, and forgets the rows. */
  empty(): Promise<void>;
  /** By hand, with H2's words. */
  sql(statement: string): Promise<readonly (readonly unknown[])[]>;
}

export function oracleOn(h2: H2, database: string): TestOracle {
  const double = oracleDouble(h2, database);
  const address = { url: "oracle://ips1@h2:1521/TEST", passwordFile: null };
  const clock = unhurried();
  const rim = { driver: double.driver, clock, logger: silentLogger };
  const opened: Gateway[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  };
  const sql: TestOracle["sql"] = async (statement) => {
    const session = await h2.session(database);
    try {
      return (await session.run(statement)).rows;
    } finally {
      await session.close();
    }
  };
  return {
    double,
    sql,
    migration: (driver) => () => openOracleMigration(address, { ...rim, driver }),
    async open(over = {}) {
      const gateway = await openSchema({
        dialect: oracle,
        label: address.url,
        connect: () => openOracle(address, rim),
        migration: () => openOracleMigration(address, rim),
        clock: createSystemClock(),
        rng: systemRng,
        logger: silentLogger,
        migrate: "ifEmpty",
        ...over,
      });
      opened.push(gateway);
      return gateway;
    },
    async empty() {
      await close();
      for (const name of Object.keys(tables).toReversed()) await sql(`DELETE FROM "${name.toUpperCase()}"`);
    },
    remove: close,
  };
}

/** A slow machine is no slow server: deadlines of calls are twenty times as far away. */
function unhurried(): Clock {
  const clock = createSystemClock();
  return {
    now: () => clock.now(),
    bootMs: () => clock.bootMs(),
    after: (delayMs, fire) => clock.after(delayMs * 20, fire),
  };
}
