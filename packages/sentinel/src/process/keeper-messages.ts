/** What a keeper understands: its public messages, and those that it and the table that made it send. */
import type { Asking, CommandOf } from "@castellan/actor";
import type { Keeper } from "@castellan/protocol";
import type { ProcessIdentity } from "./identity.ts";
import type { KeeperSettings } from "./keeper-deps.ts";
import type { ReadinessResult } from "./readiness.ts";

/** None of these can come from outside this server. */
export type KeeperPrivate =
  | { readonly type: "Begin" }
  | { readonly type: "Exited"; readonly process: ProcessIdentity; readonly how: string }
  | { readonly type: "ReadinessKnown"; readonly process: ProcessIdentity; readonly result: ReadinessResult }
  | { readonly type: "CheckGone" }
  | { readonly type: "GraceElapsed" }
  | { readonly type: "KillOverdue" }
  | { readonly type: "BackoffElapsed" }
  | { readonly type: "AlertTold"; readonly cause: string; readonly phase: "raise" | "resolve" }
  | { readonly type: "SaveAgain" }
  /** Takes effect at the next start; the policy at the next death. */
  | { readonly type: "Configure"; readonly settings: KeeperSettings }
  /**
   * The server's grant has ended: an instance that needs one is stopped and held, for the master to start again. Answered when that
   * is decided.
   */
  | Asking<{ readonly type: "Ungrant" }, void>
  /** The instance is no longer defined: stop it, forget its record, end. */
  | { readonly type: "Retire" };

export type KeeperCommand = CommandOf<typeof Keeper> | KeeperPrivate;
