/**
 * Where an answer may go. The asker names the subject, and the answer is published with *our* permissions: without a look,
 * whoever may ask could have us write to the server's own API (`$JS.API.STREAM.PURGE...`), to our own requests (a loop), or
 * into our events.
 */

const MAX_LENGTH = 512;
const TOKENS = /^[^\s*>.$][^\s*>.]*(?:\.[^\s*>.]+)*$/;

/** `requested` is the subject of the request: what begins like it is ours, and no inbox. */
export function mayAnswer(reply: string, requested: string): boolean {
  if (reply.length > MAX_LENGTH || !TOKENS.test(reply)) return false;
  return firstToken(reply) !== firstToken(requested);
}

const firstToken = (subject: string): string => subject.slice(0, subject.indexOf(".") + 1 || undefined);
