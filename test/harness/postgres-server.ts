/**
 * For the test projects whose nodes are on PostgreSQL: one server for the whole run, a database for every node. With
 * CASTELLAN_REMOTE_POSTGRES=1 it is on a host of its own, in another network namespace.
 */
import type { TestProject } from "vitest/node";
import { type OwnPostgres, ownPostgres } from "./remote-postgres.ts";

let own: OwnPostgres | undefined;

export async function setup(project: TestProject): Promise<void> {
  own = await ownPostgres();
  const { port, socketDir, address } = own.server;
  project.provide("postgres", { port, socketDir, ...(address !== undefined && { address }) });
}

export async function teardown(): Promise<void> {
  await own?.stop();
}
