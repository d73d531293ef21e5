/** The door for the watcher, which must stay small: nothing behind it loads the actors or the store. */
export { readIfThere, writeDurably } from "../durable-file.ts";
export { createMessageLog } from "../message-log.ts";
export type { MessageLog } from "../ports.ts";
export { createProcReader, ProcessIdentity, type ProcReader } from "../process/identity.ts";
export { type Channel, connectChannel, listenChannel } from "./channel.ts";
export type { PairMessage } from "./pair-message.ts";
export { beginGuard, decidePeer } from "./peer-guard.ts";
