/** The words of the shared schema for what a process, an instance event, a node and an operation are. */
import { z } from "zod";
import { NODE_STATES, PROCESS_STATUSES, SERVER_STATES } from "./words.ts";

export const ProcessStatus = z.enum(PROCESS_STATUSES);
export type ProcessStatus = z.infer<typeof ProcessStatus>;

/** `process_event_log.process_status`: the documented codes. */
export const EVENT_CODE = {
  started: 3000,
  stopping: 3001,
  stopped: 3002,
  died: 3003,
  paused: 3004,
  unpaused: 3005,
} as const;
export type EventCode = (typeof EVENT_CODE)[keyof typeof EVENT_CODE];

export const NodeState = z.enum(NODE_STATES);
export type NodeState = z.infer<typeof NodeState>;

export const ServerState = z.enum(SERVER_STATES);
export type ServerState = z.infer<typeof ServerState>;

/** What an administrator may ask for: each becomes a journaled plan. */
export const CommandVerb = z.enum(["start", "shutdown", "restart", "pause", "unpause", "start_new"]);
export type CommandVerb = z.infer<typeof CommandVerb>;

/**
 * What an operation is about. Besides what is asked for, what the master does by itself. `follow`: dependents are treated as
 * `onRestart` of their edge says. `move`: the foreground goes where the master is. `boot`: a server says that it has been
 * started, and what is enabled on it may be. `catch_up`: what should be so and could not be done before, because a server was missing.
 */
export const OperationVerb = z.enum([...CommandVerb.options, "follow", "move", "boot", "catch_up"]);
export type OperationVerb = z.infer<typeof OperationVerb>;

/** An operation ends `done` (all steps did), `failed` (some did not) or `refused` (nothing was begun). */
export const OperationState = z.enum(["open", "done", "failed", "refused"]);
export type OperationState = z.infer<typeof OperationState>;

/** `pending` waits for its dependencies, `ready` may be claimed, `claimed` is being performed; the rest are ends. */
export const StepState = z.enum(["pending", "ready", "claimed", "done", "failed", "skipped", "unknown"]);
export type StepState = z.infer<typeof StepState>;

/** What a step wants to be true of its instance afterwards. HELD: stopped, and to be started again by a later step. */
export const DesiredState = z.enum(["RUNNING", "STOPPED", "RESTARTED", "PAUSED", "UNPAUSED", "HELD"]);
export type DesiredState = z.infer<typeof DesiredState>;
