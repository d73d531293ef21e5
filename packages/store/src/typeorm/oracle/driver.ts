/** What is used of `oracledb`, which brings no types of its own; loaded when an Oracle database is opened, not before. */
import { createRequire } from "node:module";
import { StoreUnavailable } from "../../errors.ts";

export interface OracleDriver {
  getConnection(options: Readonly<Record<string, unknown>>): Promise<OracleSession>;
  readonly BIND_OUT: unknown;
  readonly STRING: unknown;
  readonly NUMBER: unknown;
  readonly CLOB: unknown;
}

export interface OracleSession {
  /** After so many milliseconds the driver interrupts the call; the server answers that it has given it up. */
  callTimeout: number;
  execute(sql: string, binds: OracleBinds, options: OracleOptions): Promise<OracleResult>;
  /** Whether the socket is there still; asks nobody. */
  isHealthy(): boolean;
  /** Says goodbye and waits for the answer. */
  close(): Promise<void>;
}

/** By place or by name. */
export type OracleBinds = readonly unknown[] | Readonly<Record<string, unknown>>;

export interface OracleOptions {
  readonly autoCommit?: boolean;
  readonly prefetchRows?: number;
  readonly fetchArraySize?: number;
  readonly fetchTypeHandler?: (column: { readonly dbType?: unknown }) => { readonly type: unknown } | undefined;
}

export interface OracleResult {
  readonly metaData?: readonly { readonly name: string }[];
  /** As arrays, the driver's default. */
  readonly rows?: readonly (readonly unknown[])[];
  readonly outBinds?: Readonly<Record<string, unknown>>;
}

/** The pure JavaScript ("thin") one: it needs no Oracle client on the host. */
export function loadOracle(): OracleDriver {
  const driver: unknown = createRequire(import.meta.url)("oracledb");
  if (isDriver(driver)) return driver;
  throw new StoreUnavailable("the package oracledb is not the one this program was made for: install it again");
}

function isDriver(driver: unknown): driver is OracleDriver {
  return typeof driver === "object" && driver !== null && "getConnection" in driver && "BIND_OUT" in driver;
}

/**
 * Ends the socket of a session whose server does not answer: `close` would wait for it, and the driver has no other way.
 * Where a release of it keeps the socket elsewhere, the socket stays until the system gives it up.
 */
export function cutOff(session: OracleSession): void {
  const socket = inner(inner(session, "_impl"), "nscon");
  const disconnect = inner(socket, "disconnect");
  if (typeof disconnect === "function") Reflect.apply(disconnect, socket, [IMMEDIATELY]);
}

/** `NSFIMM` of the driver. */
const IMMEDIATELY = 0x40;

function inner(thing: unknown, name: string): unknown {
  return typeof thing === "object" && thing !== null ? Reflect.get(thing, name) : undefined;
}
