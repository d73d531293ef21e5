export {
  type AnyBehavior,
  type Behavior,
  type Handlers,
  receive,
  type Signals,
  setup,
  stopped,
  supervise,
} from "./behavior.ts";
export type { ActorContext, SpawnOptions, Timers } from "./context.ts";
export type { DeadLetter, DeadLetterReason, DeadLetters } from "./dead-letters.ts";
export { AskTimeout, LinkDown, NotReachable, RemoteError } from "./errors.ts";
export type { MailboxOptions } from "./mailbox.ts";
export type { Asking, AskTypes, Message, ReplyFor, ReplyTo, TellMessages } from "./message.ts";
export {
  type AskOf,
  type CommandOf,
  type MessageSchema,
  type Protocol,
  type ReplyOf,
  type TellOf,
  typeOf,
  verbOf,
} from "./protocol.ts";
export type { ActorRef, AnyRef, AskOptions, TerminationReason } from "./ref.ts";
export { escalate, type RestartOptions, restart, resume, type SupervisionStrategy, stop } from "./supervision.ts";
export { createActorSystem } from "./system.ts";
export type {
  ActorNode,
  ActorState,
  ActorSystem,
  ActorSystemOptions,
  ExposeOptions,
  Exposure,
  RemoteAddress,
} from "./system-types.ts";
export { createMemoryHub, type MemoryHub } from "./transport/memory.ts";
export type { Address, Answer, Headers, RequestListener, Transport } from "./transport/transport.ts";
