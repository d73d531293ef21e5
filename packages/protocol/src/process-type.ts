/** A process type as a user writes it and as the schema keeps it: data, not code. */
import { CastellanError, parseDuration } from "@castellan/kernel";
import { z } from "zod";
import { TypeName } from "./names.ts";

const duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (thrown) {
    context.addIssue({ code: "custom", message: thrown instanceof CastellanError ? thrown.message : "not a duration" });
    return z.NEVER;
  }
});

const timeout = duration.default(30_000);

/** How to tell that an instance is ready. Times are milliseconds once parsed. */
export const Readiness = z.union([
  z.strictObject({ tcp: z.union([z.int().min(1).max(65_535), z.string()]), timeout }),
  z.strictObject({ http: z.string(), timeout }),
  z.strictObject({ exec: z.array(z.string()).min(1), timeout }),
  z.strictObject({ logLine: z.string().min(1).max(500), timeout }),
  z.literal("none").transform(() => ({ none: true as const })),
  z.strictObject({ none: z.literal(true) }),
]);
export type Readiness = z.infer<typeof Readiness>;

const Signal = z.enum(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"]);

export const Dependency = z
  .union([
    TypeName,
    z.strictObject({ type: TypeName, onRestart: z.enum(["none", "restart", "stop", "wait"]).default("none") }),
  ])
  .transform((edge) => (typeof edge === "string" ? { type: edge, onRestart: "none" as const } : edge));
export type Dependency = z.infer<typeof Dependency>;

export const ProcessType = z.strictObject({
  /** An argument vector, never a shell. `{type}`, `{instance}`, `{server}`, `{node}`, `{home}` are replaced. */
  command: z.array(z.string().max(4096)).min(1).max(256),
  cwd: z.string().default("."),
  env: z.record(z.string(), z.string()).default({}),
  layer: z.enum(["foreground", "background"]).default("background"),
  exclusive: z.boolean().default(false),
  dynamic: z.boolean().default(true),
  pausable: z.boolean().default(false),
  dependsOn: z.array(Dependency).default([]),
  ready: Readiness.default({ none: true }),
  stop: z
    .strictObject({ signal: Signal.default("SIGTERM"), grace: duration.default(10_000) })
    .default({ signal: "SIGTERM", grace: 10_000 }),
});
export type ProcessType = z.infer<typeof ProcessType>;

/** The file `castellan apply` takes: what should run, and where. */
export const NodeSpec = z.strictObject({
  types: z.record(TypeName, ProcessType).default({}),
  /** server -> type -> number of instances */
  servers: z.record(z.string(), z.record(TypeName, z.int().min(0).max(999))).default({}),
});
export type NodeSpec = z.infer<typeof NodeSpec>;
