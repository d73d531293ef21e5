export { SchemaError, StoreAmbiguous, StoreConflict, StoreDuplicate, StoreUnavailable } from "./errors.ts";
export {
  type Condition,
  type Expectation,
  type Gateway,
  insert,
  insertIfAbsent,
  type Query,
  remove,
  type Setting,
  type Settings,
  update,
  type Where,
  type Write,
} from "./gateway.ts";
export { type Row, type TableName, type Tables, tables } from "./schema/tables.ts";
