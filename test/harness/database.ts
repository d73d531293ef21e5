/**
 * The database of a test's node: a file in its home, or a database of its own on the server that the test project has: PostgreSQL
 * (`postgres-server.ts`) or a stand-in for SQL Server (`mssql-server.ts`). The tests are the same; only the project differs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import type { Write } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { type PostgresDatabase, type PostgresPlace, postgresAdmin } from "@castellan/testkit";
import { inject } from "vitest";
import { mssqlServer } from "./mssql-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Absent: this project's nodes are on SQLite. */
    postgres: PostgresPlace | undefined;
  }
}

export interface NodeDatabase {
  /** Its lines in castellan.yaml. */
  readonly config: string;
  /** The same for another home that shares it; `home` is the first one. */
  readonly configElsewhere: (home: string) => string;
  /** Null for SQLite. */
  readonly password: string | null;
  /** Commits writes as nobody of the node would: what an administrator may do by hand, with the database's own tools. */
  commitByHand(home: string, writes: readonly Write[]): Promise<void>;
  drop(): Promise<void>;
}

/** Whatever makes databases, each with its user and no password in the URL. */
export interface DatabaseServer {
  database(): Promise<Pick<PostgresDatabase, "url" | "password" | "drop">>;
}

/** Which database the nodes of this project have, unless a test brings its own server. */
export const isOnPostgres = (): boolean => inject("postgres") !== undefined;

/** A file in the home of each node. */
export const isOnFile = (): boolean => projectServer() === null;

/** The server of this project; null where nodes are on SQLite. */
export function projectServer(): DatabaseServer | null {
  const place = inject("postgres");
  return place === undefined ? mssqlServer() : postgresAdmin(place);
}

const PASSWORD_FILE = "etc/db.password";

/** `example`: the directory whose files become those of the home. */
export async function makeDatabase(example: string, server: DatabaseServer | undefined): Promise<NodeDatabase> {
  const admin = server ?? projectServer();
  if (admin === null) {
    return {
      config: "",
      configElsewhere: fileIn,
      password: null,
      commitByHand: (home, writes) => commit({ url: `sqlite:${join(home, "data/castellan.db")}` }, writes),
      drop: async () => undefined,
    };
  }
  const { url, password, drop } = await admin.database();
  mkdirSync(join(example, "etc"), { recursive: true });
  writeFileSync(join(example, PASSWORD_FILE), `${password}\n`, { mode: 0o600 });
  const config = (passwordFile: string) => `database: { url: "${url}", passwordFile: ${passwordFile} }\n`;
  const configElsewhere = (home: string) => config(join(home, PASSWORD_FILE));
  const commitByHand = (home: string, writes: readonly Write[]) =>
    commit({ url, passwordFile: join(home, PASSWORD_FILE) }, writes);
  return { config: config(PASSWORD_FILE), configElsewhere, password, commitByHand, drop };
}

async function commit(
  place: { readonly url: string; readonly passwordFile?: string },
  writes: readonly Write[],
): Promise<void> {
  const clock = createSystemClock();
  const gateway = await openGateway({ ...place, clock, rng: systemRng, logger: silentLogger, migrate: "never" });
  try {
    await gateway.commit(writes);
  } finally {
    await gateway.close();
  }
}

const fileIn = (home: string): string => `database: { url: "sqlite:${join(home, "data/castellan.db")}" }\n`;
