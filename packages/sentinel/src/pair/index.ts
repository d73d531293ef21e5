/** The door for the watcher, which must stay small: nothing behind it loads the actors, the store or schemas. */
export { readIfThere, syncDirectory, writeDurably } from "../durable-file.ts";
export { createMessageLog } from "../message-log.ts";
export type { MessageLog } from "../ports.ts";
export { createProcReader, isProcessIdentity, type ProcessIdentity, type ProcReader } from "../process/identity.ts";
export { type Channel, connectChannel, listenChannel } from "./channel.ts";
export type { PairMessage } from "./pair-message.ts";
export { beginGuard, decidePeer } from "./peer-guard.ts";
