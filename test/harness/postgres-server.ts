/** For the test projects whose nodes are on PostgreSQL: one server for the whole run, a database for every node. */
import { type Postgres, postgres } from "@castellan/testkit";
import type { TestProject } from "vitest/node";
import "./database.ts";

let server: Postgres | undefined;

export async function setup(project: TestProject): Promise<void> {
  server = await postgres();
  const { port, socketDir } = server;
  project.provide("postgres", { port, socketDir });
}

export async function teardown(): Promise<void> {
  await server?.stop();
}
