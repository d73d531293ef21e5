/**
 * For the test projects whose nodes are on PostgreSQL: one server for the whole run, a database for every node. With
 * CASTELLAN_REMOTE_POSTGRES=1 it is on a host of its own, in another network namespace.
 */
import { type Postgres, postgres, testRun } from "@castellan/testkit";
import type { TestProject } from "vitest/node";
import "./database.ts";
import { remotePostgres } from "./remote-postgres.ts";

let stop: (() => Promise<void>) | undefined;

export async function setup(project: TestProject): Promise<void> {
  const { port, socketDir, address } = await start();
  project.provide("postgres", { port, socketDir, ...(address !== undefined && { address }) });
}

async function start(): Promise<Postgres> {
  if (testRun().isPostgresRemote) {
    const remote = await remotePostgres();
    stop = remote.stop;
    return remote.server;
  }
  const server = await postgres();
  stop = server.stop;
  return server;
}

export async function teardown(): Promise<void> {
  await stop?.();
}
