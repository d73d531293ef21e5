/** What can go wrong with the shared schema, as a caller needs to tell it apart. */
import { CastellanError, type ErrorOptions } from "@castellan/kernel";

/** A guard of a commit missed: what the caller had read is no longer true. Nothing was written. */
export class StoreConflict extends CastellanError {
  /** Position of the write whose guard missed. */
  readonly index: number;

  /** `reason` tells a missed guard (the default) from a row that another one refers to, or that is referred to and gone. */
  constructor(index: number, table: string, reason = "a guarded write found other rows than expected") {
    super("STORE_CONFLICT", `${table}: ${reason}`, { details: { index, table } });
    this.index = index;
  }
}

/** A plain insert, or an update, met an existing key. Nothing was written. */
export class StoreDuplicate extends CastellanError {
  constructor(table: string, cause?: unknown) {
    super("STORE_DUPLICATE", `a row with this key exists in ${table}`, { details: { table }, cause });
  }
}

/** The database cannot be reached, is busy beyond the budget, full or read-only. Nothing was written; try again later. */
export class StoreUnavailable extends CastellanError {
  constructor(message: string, options: ErrorOptions = {}, code = "STORE_UNAVAILABLE") {
    super(code, message, { ...options, retryable: true });
  }
}

/** The database refuses this user, or what it wants to do. Nothing was written; in vain until a person has changed that. */
export class StoreForbidden extends StoreUnavailable {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options, "STORE_FORBIDDEN");
  }
}

/** The connection broke while a commit was under way: it may have happened or not. */
export class StoreAmbiguous extends CastellanError {
  constructor(message: string, options: ErrorOptions = {}) {
    super("STORE_AMBIGUOUS", message, { ...options, retryable: true });
  }
}

/** The schema is missing, or of another version than this program's. */
export class SchemaError extends CastellanError {
  constructor(message: string, options: ErrorOptions = {}) {
    super("SCHEMA", message, options);
  }
}

/** A value, a column or a condition that no database would hold alike: a defect of the caller. Nothing was written. */
export class StoreInvalid extends CastellanError {
  constructor(table: string, column: string, reason: string) {
    super("STORE_INVALID", `${table}.${column}: ${reason}`, { details: { table, column } });
  }
}
