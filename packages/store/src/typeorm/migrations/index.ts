import { firstTables } from "./0001-first-tables.ts";
import { lifeOfAnInstallation } from "./0002-life-of-an-installation.ts";
import type { Migration } from "./migration.ts";

/** In order, without gaps. */
export const migrations: readonly Migration[] = [firstTables, lifeOfAnInstallation];
