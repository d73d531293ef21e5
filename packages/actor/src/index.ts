export type {
  ActorContext,
  ActorSystem,
  AnyBehavior,
  Behavior,
  ExposeOptions,
  Exposure,
  Handlers,
  HeldEpoch,
  InterceptedActor,
  Interceptor,
  Listing,
  Next,
  Receptionist,
  RemoteAddress,
  Signals,
  SingletonRef,
  SingletonRefOptions,
  SpawnOptions,
  Stash,
  Timers,
} from "./actor.ts";
export { createPipeline, type Pipeline, type PipelineOptions } from "./ask/pipeline.ts";
export { intercept, receive, setup, stopped, supervise, withStash } from "./behavior.ts";
export type { MailboxOptions, Overflow } from "./cell/mailbox.ts";
export type { Claim, EpochPort } from "./cluster/epoch-port.ts";
export { createMemoryEpochs, type MemoryEpochs } from "./cluster/memory-epochs.ts";
export { createSingleton, type SingletonCommand, type SingletonOptions } from "./cluster/singleton.ts";
export { AskTimeout, LinkDown, NotReachable, RemoteError, StaleEpoch } from "./errors.ts";
export type { Asking, AskTypes, Message, ReplyFor, ReplyTo, TellMessages } from "./message.ts";
export type { DeadLetters } from "./observe/dead-letters.ts";
export { createTopic, type EventStream, type Topic } from "./observe/events.ts";
export type { ActorNode, ActorState, SystemReport } from "./observe/report.ts";
export {
  type ActorRestarted,
  type ActorStopped,
  type DeadLetter,
  type DeadLetterReason,
  topics,
} from "./observe/topics.ts";
export { newTrace, parseTrace, type Trace, type Traces } from "./observe/trace.ts";
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
export { type ActorSystemOptions, createActorSystem } from "./system.ts";
export { createMemoryHub, type MemoryHub } from "./transport/memory.ts";
export type { Address, Answer, Headers, OverloadListener, RequestListener, Transport } from "./transport/transport.ts";
