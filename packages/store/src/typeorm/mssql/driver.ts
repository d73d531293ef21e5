/** What is used of `mssql`, which brings no types of its own; loaded when a SQL Server is opened, not before. */
import { createRequire } from "node:module";
import { StoreUnavailable } from "../../errors.ts";

export interface MssqlDriver {
  readonly ConnectionPool: new (config: MssqlConfig) => MssqlPool;
  readonly BigInt: unknown;
  readonly MAX: unknown;
  readonly ISOLATION_LEVEL: { readonly SNAPSHOT: number };
  NVarChar(length: unknown): unknown;
}

/** The driver reads it anew for each connection. */
export interface MssqlConfig {
  readonly server: string;
  readonly port?: number;
  readonly database?: string;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  /** Whether a pooled connection is looked at before it is used; a query for it would be a second round trip. */
  readonly validateConnection: "socket";
  readonly pool: Readonly<Record<string, number>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly authentication: { readonly type: string; readonly options: Readonly<Record<string, unknown>> };
}

export interface MssqlPool {
  connect(): Promise<unknown>;
  close(): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
  request(): MssqlRequest;
  transaction(): MssqlTransaction;
}

export interface MssqlTransaction {
  begin(isolation?: number): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
  request(): MssqlRequest;
}

export interface MssqlRequest {
  input(name: string, type: unknown, value: string | number | null): MssqlRequest;
  query(sql: string): Promise<{ readonly recordset?: Record<string, unknown>[] }>;
}

export function loadMssql(): MssqlDriver {
  const driver: unknown = createRequire(import.meta.url)("mssql");
  if (isDriver(driver)) return driver;
  throw new StoreUnavailable("the package mssql is not the one this program was made for: install it again");
}

function isDriver(driver: unknown): driver is MssqlDriver {
  return typeof driver === "object" && driver !== null && "ConnectionPool" in driver && "NVarChar" in driver;
}
