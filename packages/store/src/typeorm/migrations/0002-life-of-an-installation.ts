/**
 * What is known of how a node was installed, upgraded and moved. It only adds tables: servers with release 0.1.0 go on beside
 * those that have been upgraded.
 */
import { tables } from "../../schema/tables.ts";
import type { Migration } from "./migration.ts";

export const lifeOfAnInstallation: Migration = {
  version: 2,
  name: "life-of-an-installation",
  usableFrom: 1,
  async up(draft) {
    const added = [tables.sentinel_program, tables.node_parameter, tables.member_address, tables.schema_move];
    for (const shape of added) await draft.createTable(shape);
  },
};
