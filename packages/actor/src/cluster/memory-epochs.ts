/** An arbiter in one process: the twin of a real one, for tests and simulations. */
import type { Claim, EpochPort } from "./epoch-port.ts";

export interface MemoryEpochs extends EpochPort {
  /** The present holder has gone: the epoch is free. */
  vacate(): void;
  /** What is held now. */
  readonly claim: Claim | null;
}

/** `notify` carries the news to a listener; default at once. A test may delay it. */
export function createMemoryEpochs(notify: (tell: () => void) => void = (tell) => tell()): MemoryEpochs {
  const listeners = new Set<(claim: Claim | null) => void>();
  let claim: Claim | null = null;
  let last = 0;
  const set = (next: Claim | null): void => {
    claim = next;
    for (const listener of listeners) {
      notify(() => {
        if (listeners.has(listener)) listener(next);
      });
    }
  };
  return {
    get claim() {
      return claim;
    },
    watch(listener) {
      listeners.add(listener);
      listener(claim);
      return () => listeners.delete(listener);
    },
    acquire(holder) {
      if (claim !== null) return Promise.resolve(null);
      last += 1;
      set({ epoch: last, holder });
      return Promise.resolve(claim);
    },
    release(epoch) {
      if (claim?.epoch === epoch) set(null);
      return Promise.resolve();
    },
    vacate: () => set(null),
  };
}
