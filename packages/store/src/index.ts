export {
  SchemaError,
  StoreAmbiguous,
  StoreConflict,
  StoreDuplicate,
  StoreForbidden,
  StoreInvalid,
  StoreUnavailable,
} from "./errors.ts";
export {
  type Condition,
  type Expectation,
  type Gateway,
  insert,
  insertIfAbsent,
  prune,
  type Query,
  remove,
  type Setting,
  type Settings,
  update,
  type Where,
  type Write,
} from "./gateway.ts";
export { type Row, type TableName, type Tables, tables } from "./schema/tables.ts";
export {
  type AttributePlace,
  attributeOf,
  attributeRow,
  numberAttribute,
} from "./views/attributes.ts";
export { type BootstrapOptions, bootstrapNode } from "./views/bootstrap.ts";
export { readDefinition, writeDefinition } from "./views/definition.ts";
export { newInstance } from "./views/new-instance.ts";
export type { InstanceView, ServerView } from "./views/node-state.ts";
export { type NodeView, readNodeView } from "./views/node-view.ts";
export {
  type OwnParameters,
  type ParameterDifference,
  type ParameterName,
  parameterDifferences,
  readParameters,
  recordParameters,
  replaceParameters,
} from "./views/parameters.ts";
export { excessLetters, forgetOld } from "./views/retention.ts";
export { freedServerId, lastServerId } from "./views/server-id.ts";
export { readQueue, readWorkQueues, writeQueue } from "./views/work-queues.ts";
