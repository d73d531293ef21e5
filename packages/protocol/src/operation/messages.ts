/** Administrator requests to the whole node (`cmd.{verb}`) and what they are answered with. */
import { z } from "zod";
import { Instance, TypeName } from "../names.ts";
import { CommandVerb, DesiredState, OperationState, OperationVerb, ProcessStatus, StepState } from "../status.ts";

/**
 * Which instances are meant: nothing = the node, server = all on it, type = all of that type, instance = one. A key that
 * is none of these is refused: misspelled, it would widen what is meant.
 */
export const Target = z.strictObject({
  server: z.string().max(64).optional(),
  type: TypeName.optional(),
  instance: Instance.optional(),
});
export type Target = z.infer<typeof Target>;

/** The same `requestId` is the same operation, however often it is sent. */
export const CommandRequest = z.object({
  requestId: z.string().min(1).max(64),
  target: Target.default({}),
  /** The acting user. */
  by: z.string().min(1).max(64),
  options: z.record(z.string(), z.unknown()).default({}),
});
export type CommandRequest = z.infer<typeof CommandRequest>;

export const ErrorReply = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    details: z.record(z.string(), z.unknown()),
  }),
});

export const CommandReply = z.union([z.object({ operationId: z.string() }), ErrorReply]);
export type CommandReply = z.infer<typeof CommandReply>;

/** One instance's part of an operation, as reported to people. */
export const StepReport = z.object({
  server: z.string(),
  type: z.string(),
  instance: z.int(),
  desired: DesiredState,
  state: StepState,
  result: z.string().nullable(),
});
export type StepReport = z.infer<typeof StepReport>;

export const OperationReport = z.object({
  id: z.string(),
  verb: OperationVerb,
  target: Target,
  by: z.string(),
  state: OperationState,
  result: z.string().nullable(),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  steps: z.array(StepReport),
});
export type OperationReport = z.infer<typeof OperationReport>;

/** What a request would do, without doing it. */
export const PlanPreview = z.object({
  /** Why there is nothing to do; null when there is something. */
  note: z.string().nullable(),
  /** Operations under way that it would end. */
  supersedes: z.array(z.string()),
  /** In order; what stands in one wave happens at the same time, and each wave begins when those before it are done. */
  waves: z.array(
    z.array(
      z.object({
        server: z.string(),
        type: z.string(),
        instance: z.int(),
        desired: DesiredState,
        /** What it is now; null: it does not exist yet. */
        status: ProcessStatus.nullable(),
      }),
    ),
  ),
});
export type PlanPreview = z.infer<typeof PlanPreview>;

/** The conductor: lives on the master, turns requests into journaled plans and drives them. */
export const Conductor = {
  actor: "conductor",
  messages: {
    /** An administrator's request, checked by the role that received the broadcast. */
    Submit: {
      request: z.object({ verb: CommandVerb, command: CommandRequest }),
      reply: z.object({ operationId: z.string() }),
    },
    /** Answered with the plan, or refused as `Submit` would be. Changes nothing. */
    Preview: {
      request: z.object({ verb: CommandVerb, target: Target, options: z.record(z.string(), z.unknown()) }),
      reply: PlanPreview,
    },
    /** A server's pair has been started anew (PM_AUTO_BOOT): what is enabled there is to be started. */
    Boot: {
      request: z.object({ server: z.string().max(64), incarnation: z.int().min(1) }),
      reply: z.object({ operationId: z.string() }),
    },
    /** A sentinel has finished a step: look at the plan again now rather than at the next poll. */
    StepFinished: { request: z.object({ operationId: z.string() }) },
    /** Processes have ended without an order, and it is on record: see to those that depend on them. */
    ProcessesDied: { request: z.object({}) },
  },
} as const;
