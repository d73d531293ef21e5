/** A process type as a user writes it and as the schema keeps it: data, not code. */
import { z } from "zod";
import { WorkQueues } from "./desk/work-queue.ts";
import { duration } from "./duration.ts";
import { TypeName } from "./names.ts";
import { sizeFrom } from "./size.ts";

const timeout = duration.default(30_000);

/** What the operating system takes as an argument, a path or a variable: anything without a NUL. */
const text = z.string().refine((value) => !value.includes("\0"), "holds a NUL character, which no argument may");

/** How to tell that an instance is ready. Times are milliseconds once parsed. */
export const Readiness = z.union([
  z.strictObject({ tcp: z.union([z.int().min(1).max(65_535), text]), timeout }),
  z.strictObject({ http: text, timeout }),
  z.strictObject({ exec: z.array(text).min(1), timeout }),
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

const VariableName = z.string().regex(/^[^=\0]+$/, "is no name of a variable: it holds `=` or NUL, or is empty");

export const ProcessType = z.strictObject({
  /** An argument vector, never a shell. `{type}`, `{instance}`, `{server}`, `{node}`, `{home}` are replaced. */
  command: z.array(text.max(4096)).min(1).max(256),
  cwd: text.default("."),
  env: z.record(VariableName, text).default({}),
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

/** Values by type. Names of types compare without case: one that is there twice would silently count once. */
function byType<V extends z.ZodType>(value: V) {
  return z.preprocess(
    (raw, context) => {
      const seen = new Map<string, string>();
      for (const name of typeof raw === "object" && raw !== null ? Object.keys(raw) : []) {
        const earlier = seen.get(name.toUpperCase());
        if (earlier !== undefined) {
          const message = `is the same type as ${earlier}: names compare without case; take one out`;
          context.issues.push({ code: "custom", message, path: [name], input: raw });
        }
        seen.set(name.toUpperCase(), name);
      }
      return raw;
    },
    z.record(TypeName, value),
  );
}

/** The file `castellan apply` takes: what should run, and where. */
export const NodeSpec = z.strictObject({
  types: byType(ProcessType).default({}),
  /** server -> type -> number of instances */
  servers: z.record(z.string(), byType(z.int().min(0).max(999))).default({}),
  /** Queues of work items: who works on them, and until when. */
  queues: WorkQueues.default({}),
});
export type NodeSpec = z.infer<typeof NodeSpec>;
