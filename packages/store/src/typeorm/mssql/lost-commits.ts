/**
 * Commits that we have lost sight of: the connection broke, or the answer did not come.
 *
 * Such a commit may be carried out long after its sender has given it up, for instance when a frozen server goes on. Each commit
 * holds a lock by its own name while it runs (`mssql-commit.ts`). Whoever holds that lock after it knows that it has ended, and that
 * it will not begin: it does not wait for the lock. The lock stays with a session that does nothing else, and is closed ten minutes after
 * the last such commit; by then a server that answers has long read what lay in its sockets.
 */
import { SESSION_LIMITS } from "../dialects/mssql-commit.ts";

/** Longer than a commit waits for one lock: what holds it up ends it by then, or is looked for again. */
const END_MS = 1_500;

/** Takes the lock named `@ticket` for the session. Answers one row: `granted`, negative when the commit is still under way. */
export const SETTLE = `SET NOCOUNT ON;
${SESSION_LIMITS}
DECLARE @granted int;
EXEC @granted = sp_getapplock @Resource = @ticket, @LockMode = N'Exclusive', @LockOwner = N'Session', @LockTimeout = ${END_MS};
SELECT @granted AS granted;`;

export interface LostCommits {
  add(ticket: string): void;
  /** Settles what is lost. `isEnded` asks the server; throws what that throws. True when nothing is under way any more. */
  settle(isEnded: (ticket: string) => Promise<boolean>): Promise<boolean>;
}

export function createLostCommits(): LostCommits {
  const lost = new Set<string>();
  return {
    add: (ticket) => void lost.add(ticket),
    async settle(isEnded) {
      for (const ticket of lost) if (await isEnded(ticket)) lost.delete(ticket);
      return lost.size === 0;
    },
  };
}
