/** `sp_getapplock`: exclusive locks by name, owned by a session until it gives them back or ends. */

export interface AppLocks {
  /** 0 = had at once, 1 = after a wait, -1 = not within `timeoutMs`, as the procedure returns it. */
  take(name: string, owner: object, timeoutMs: number): Promise<number>;
  release(name: string, owner: object): void;
  /** All that `owner` holds. */
  releaseAll(owner: object): void;
}

interface Lock {
  owner: object;
  /** How often its owner has taken it. */
  depth: number;
  readonly waiting: { readonly owner: object; grant(): void }[];
}

export function createAppLocks(): AppLocks {
  const locks = new Map<string, Lock>();
  const give = (name: string, lock: Lock): void => {
    const next = lock.waiting.shift();
    if (next === undefined) {
      locks.delete(name);
      return;
    }
    lock.owner = next.owner;
    lock.depth = 1;
    next.grant();
  };
  return {
    async take(name, owner, timeoutMs) {
      const lock = locks.get(name);
      if (lock === undefined) {
        locks.set(name, { owner, depth: 1, waiting: [] });
        return 0;
      }
      if (lock.owner === owner) {
        lock.depth += 1;
        return 0;
      }
      return await new Promise((resolve) => {
        const waiter = {
          owner,
          grant() {
            clearTimeout(impatience);
            resolve(1);
          },
        };
        const impatience = setTimeout(() => {
          lock.waiting.splice(lock.waiting.indexOf(waiter), 1);
          resolve(-1);
        }, timeoutMs);
        lock.waiting.push(waiter);
      });
    },
    release(name, owner) {
      const lock = locks.get(name);
      if (lock?.owner !== owner) return;
      lock.depth -= 1;
      if (lock.depth === 0) give(name, lock);
    },
    releaseAll(owner) {
      for (const [name, lock] of locks) if (lock.owner === owner) give(name, lock);
    },
  };
}
