/** A process type as a user writes it and as the schema keeps it: data, not code. */
import { z } from "zod";
import { WorkQueues } from "./desk/work-queue.ts";
import { duration } from "./duration.ts";
import { TypeName } from "./names.ts";
import { sizeFrom } from "./size.ts";

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

/** What pauses and what resumes. Both may come more than once, so one signal cannot be both. */
const PauseSignal = z.enum(["SIGSTOP", "SIGTSTP", "SIGCONT", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGWINCH"]);
const Pause = z
  .strictObject({ signal: PauseSignal.default("SIGSTOP"), resume: PauseSignal.default("SIGCONT") })
  .refine(
    ({ signal, resume }) => signal !== resume && signal !== "SIGCONT",
    "signal pauses and resume resumes: two signals",
  )
  .default({ signal: "SIGSTOP", resume: "SIGCONT" });

const Signal = z.enum(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"]);

export const Dependency = z
  .union([
    TypeName,
    z.strictObject({ type: TypeName, onRestart: z.enum(["none", "restart", "stop", "wait"]).default("none") }),
  ])
  .transform((edge) => (typeof edge === "string" ? { type: edge, onRestart: "none" as const } : edge));
export type Dependency = z.infer<typeof Dependency>;

/** Of a type that says nothing about it. */
export const DEFAULT_LOGS = { keep: 50 * 1024 * 1024 } as const;

export const ProcessType = z.strictObject({
  /** An argument vector, never a shell. `{type}`, `{instance}`, `{server}`, `{node}`, `{home}` are replaced. */
  command: z.array(z.string().max(4096)).min(1).max(256),
  cwd: z.string().default("."),
  env: z.record(z.string(), z.string()).default({}),
  layer: z.enum(["foreground", "background"]).default("background"),
  exclusive: z.boolean().default(false),
  dynamic: z.boolean().default(true),
  pausable: z.boolean().default(false),
  /** How it is paused, when it is pausable; sent to the whole process group. */
  pause: Pause,
  dependsOn: z.array(Dependency).default([]),
  ready: Readiness.default({ none: true }),
  stop: z
    .strictObject({ signal: Signal.default("SIGTERM"), grace: duration.default(10_000) })
    .default({ signal: "SIGTERM", grace: 10_000 }),
  /** How much of what an instance prints is kept, bytes; the oldest is cut off. */
  logs: z.strictObject({ keep: sizeFrom(256 * 1024, "256K").default(DEFAULT_LOGS.keep) }).default(DEFAULT_LOGS),
});
export type ProcessType = z.infer<typeof ProcessType>;

/** The file `castellan apply` takes: what should run, and where. */
export const NodeSpec = z.strictObject({
  types: z.record(TypeName, ProcessType).default({}),
  /** server -> type -> number of instances */
  servers: z.record(z.string(), z.record(TypeName, z.int().min(0).max(999))).default({}),
  /** Queues of work items: who works on them, and until when. */
  queues: WorkQueues.default({}),
});
export type NodeSpec = z.infer<typeof NodeSpec>;
