/** A node's whole configuration as one file: what `config export` writes and `config import` takes. */
import { z } from "zod";
import { WorkQueues } from "./desk/work-queue.ts";
import { Instance, ServerName, TypeName } from "./names.ts";
import { ProcessType } from "./process-type.ts";

const CopiedProcess = z.strictObject({ type: TypeName, instance: Instance, enabled: z.boolean().default(true) });

const CopiedServer = z.strictObject({
  comment: z.string().max(256).nullable().default(null),
  checkErrorFiles: z.boolean().default(true),
  /** All of them, temporary ones left out. */
  processes: z.array(CopiedProcess).default([]),
});

/** Null: not narrowed down to one. */
const CopiedAttribute = z.strictObject({
  name: z.string().min(1).max(50),
  value: z.union([z.string().max(1000), z.number().transform(String)]),
  server: ServerName.nullable().default(null),
  type: TypeName.nullable().default(null),
  instance: Instance.nullable().default(null),
});

export const ConfigurationCopy = z.strictObject({
  /** Of this format. */
  version: z.literal(1),
  /** It came from; it may go to another. */
  node: z.string().max(24),
  types: z.record(TypeName, ProcessType).default({}),
  queues: WorkQueues.default({}),
  servers: z.record(ServerName, CopiedServer).default({}),
  attributes: z.array(CopiedAttribute).default([]),
});
export type ConfigurationCopy = z.infer<typeof ConfigurationCopy>;
