import { expect } from "vitest";

/**
 * A commit that waited for a row of somebody else's. The server gives up the lock after 1 s, and nothing was written; where it, or the
 * machine, stands still for 2 s more, its answer is missed, and what became of the commit is looked for.
 */
export const GIVEN_UP = { code: expect.stringMatching(/^STORE_(UNAVAILABLE|AMBIGUOUS)$/), retryable: true };
